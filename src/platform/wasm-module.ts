/** WebAssembly's binary format (webassembly.github.io/spec/core/binary), as far as one function over one memory takes. */
export type WasmCode = readonly number[]

export const I32 = 0x7f
export const V128 = 0x7b

/** Instructions by their names in the text format; locals, offsets and constants are whole numbers below 64. */
export const wasm = {
  localGet: (local: number): WasmCode => [0x20, local],
  localSet: (local: number): WasmCode => [0x21, local],
  i32Const: (value: number): WasmCode => [0x41, value],
  i32Add: [0x6a],
  i32LessUnsigned: [0x49],
  /** Runs `body` again for as long as it leaves a number that is not zero. */
  loop: (body: WasmCode): WasmCode => [0x03, 0x40, ...body, 0x0d, 0, 0x0b],
  v128Load: (offset: number): WasmCode => simd(0x00, 0, offset),
  i32x4Splat: simd(0x11),
  i32x4ExtractLane: (lane: number): WasmCode => simd(0x1b, lane),
  i32x4Add: simd(0xae),
  i32x4Multiply: simd(0xb5),
  i16x8ExtendLowBytes: simd(0x89),
  i16x8ExtendHighBytes: simd(0x8a),
  i32x4ExtendLow: simd(0xa9),
  i32x4ExtendHigh: simd(0xaa),
} as const

/** What every module begins with: its name, and version 1. */
const MAGIC: WasmCode = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

export interface WasmFunction {
  readonly parameters: readonly number[]
  readonly locals: readonly number[]
  /** Leaves a number of type I32. */
  readonly body: WasmCode
}

/** Gives a module that exports a memory of so many pages of 64 KiB as `memory`, and the function as `run`. */
export function wasmModule({ parameters, locals, body }: WasmFunction, pages: number) {
  const typed = (types: readonly number[]) => vector(types.map((type) => [type]))
  const code = [...vector(locals.map((type) => [1, type])), ...body, 0x0b]
  return new Uint8Array([
    ...MAGIC,
    ...section(1, vector([[0x60, ...typed(parameters), ...typed([I32])]])),
    ...section(3, vector([[0]])),
    ...section(5, vector([[0, ...count(pages)]])),
    ...section(7, vector([exported('memory', 2), exported('run', 0)])),
    ...section(10, vector([[...count(code.length), ...code]])),
  ])
}

function simd(opcode: number, ...operands: number[]): WasmCode {
  return [0xfd, ...count(opcode), ...operands]
}

/** LEB128: seven bits a byte. */
function count(value: number): WasmCode {
  return value < 128 ? [value] : [(value & 127) | 128, ...count(value >>> 7)]
}

function vector(items: readonly WasmCode[]): WasmCode {
  return [...count(items.length), ...items.flat()]
}

function section(id: number, content: WasmCode): WasmCode {
  return [id, ...count(content.length), ...content]
}

function exported(name: string, kind: number): WasmCode {
  return [...vector([...Buffer.from(name)].map((byte) => [byte])), kind, 0]
}
