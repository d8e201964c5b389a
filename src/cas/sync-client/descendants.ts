import type { JobNode } from '../../core/wire/control.ts'

/** Gives the nodes and everything below them. */
export function withDescendants(nodes: readonly JobNode[]): JobNode[] {
  return nodes.flatMap((node) => [node, ...withDescendants(node.children)])
}
