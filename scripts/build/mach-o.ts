const MAGIC_64 = 0xfeedfacf
const LC_CODE_SIGNATURE = 0x1d
const CODE_DIRECTORY = 0xfade0c02
const HEADER_BYTES = 32

/**
 * Checks the ad-hoc signature of a darwin executable page by page, as macOS does before it starts one; gives what is
 * wrong, or null. Written here because the tool for it exists on macOS alone, and appending content has broken
 * signatures before.
 */
export function signatureFault(file: Buffer): string | null {
  if (file.readUInt32LE(0) !== MAGIC_64) return 'it is no 64-bit Mach-O file'
  const signature = findSignature(file)
  if (signature === null) return 'it is not signed'
  if (signature.offset + signature.size !== file.length) return 'the signature is not its end'
  const directory = findDirectory(file, signature.offset)
  return directory === null ? 'the signature has no code directory' : pageFault(file, directory)
}

/** The load commands follow the header; one of them says where the signature is. */
function findSignature(file: Buffer): { offset: number; size: number } | null {
  let offset = HEADER_BYTES
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    if (file.readUInt32LE(offset) === LC_CODE_SIGNATURE) {
      return { offset: file.readUInt32LE(offset + 8), size: file.readUInt32LE(offset + 12) }
    }
    offset += file.readUInt32LE(offset + 4)
  }
  return null
}

/** A signature is a table of parts, big-endian unlike everything around it. */
function findDirectory(file: Buffer, signature: number): number | null {
  for (let index = 0; index < file.readUInt32BE(signature + 8); index++) {
    const part = signature + file.readUInt32BE(signature + 12 + 8 * index + 4)
    if (file.readUInt32BE(part) === CODE_DIRECTORY) return part
  }
  return null
}

function pageFault(file: Buffer, directory: number): string | null {
  const [hashes, pages, limit] = [16, 28, 32].map((at) => file.readUInt32BE(directory + at))
  const hashBytes = file.readUInt8(directory + 36)
  const pageBytes = 1 << file.readUInt8(directory + 39)
  if (hashes === undefined || pages === undefined || limit === undefined) return 'it is cut off'
  for (let page = 0; page < pages; page++) {
    const content = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit))
    const start = directory + hashes + page * hashBytes
    const hash = Buffer.from(Bun.SHA256.hash(content).buffer).subarray(0, hashBytes)
    if (!hash.equals(file.subarray(start, start + hashBytes)))
      return `page ${page} of ${pages} differs`
  }
  return null
}
