/** One of the two trees of an LMDB file, as its meta page describes it (MDB_db). */
export interface TreeRecord {
  readonly branchPages: number
  readonly leafPages: number
  readonly overflowPages: number
  readonly entries: number
  readonly depth: number
  /** Undefined for an empty tree. */
  readonly root: number | undefined
}

/** One page by its number. */
export type PageReader = (page: number) => Buffer

/** What a page says is not so: the message says what and where. */
export class DamagedPageError extends Error {
  override readonly name = 'DamagedPageError'
}

/** Of a page: number, transaction, padding, flags, and the bounds of its free room (MDB_page), then 16 bits a node. */
const HEADER_BYTES = 24
const FLAGS_AT = 18
const LOWER_AT = 20
const UPPER_AT = 22
const OVERFLOW_PAGES_AT = 20
const BRANCH = 0x01
const LEAF = 0x02
const OVERFLOW = 0x04
const KIND = BRANCH | LEAF | OVERFLOW
/** Of a node: 48 bits that are a page or a size, flags, and the length of its key (MDB_node). */
const NODE_HEADER_BYTES = 8
const BIG_DATA = 0x01
const PAGE_NUMBER_BYTES = 8

/**
 * Walks a tree as LMDB would, which trusts every page and has no checksums: from a damaged one it reads past the end of
 * its map, or leaves objects out without a word. Every page knows its own number, and the tree how many it has of each.
 * @throws DamagedPageError
 */
export function checkTree(record: TreeRecord, read: PageReader, lastPage: number, pageSize: number): void {
  const found = { branchPages: 0, leafPages: 0, overflowPages: 0, entries: 0 }
  const room = pageSize - HEADER_BYTES

  function page(number: number): Buffer {
    if (number < 2 || number > lastPage) throw new DamagedPageError(`there is no page ${number}`)
    const bytes = read(number)
    if (bytes.length < pageSize || Number(bytes.readBigUInt64LE(0)) !== number) {
      throw new DamagedPageError(`page ${number} is not what it should be`)
    }
    return bytes
  }

  function visit(number: number, level: number): void {
    const bytes = page(number)
    const isLeaf = level === record.depth
    if ((bytes.readUInt16LE(FLAGS_AT) & KIND) !== (isLeaf ? LEAF : BRANCH)) {
      throw new DamagedPageError(`page ${number} is of another kind`)
    }
    found[isLeaf ? 'leafPages' : 'branchPages'] += 1
    for (const node of nodesOf(bytes, number)) {
      if (!isLeaf) {
        visit(bytes.readUIntLE(node, 6), level + 1)
        continue
      }
      found.entries += 1
      const size = bytes.readUInt32LE(node)
      const data = node + NODE_HEADER_BYTES + bytes.readUInt16LE(node + 6)
      const isBig = (bytes.readUInt16LE(node + 4) & BIG_DATA) !== 0
      if (data + (isBig ? PAGE_NUMBER_BYTES : size) > pageSize) throw outside(number)
      if (isBig) visitOverflow(Number(bytes.readBigUInt64LE(data)), size)
    }
  }

  function visitOverflow(number: number, size: number): void {
    const bytes = page(number)
    const pages = bytes.readUInt32LE(OVERFLOW_PAGES_AT)
    const isEnough = pages * pageSize >= HEADER_BYTES + size && number + pages - 1 <= lastPage
    if ((bytes.readUInt16LE(FLAGS_AT) & KIND) !== OVERFLOW || !isEnough) {
      throw new DamagedPageError(`page ${number} does not hold what it should`)
    }
    found.overflowPages += pages
  }

  function nodesOf(bytes: Buffer, number: number): number[] {
    const lower = bytes.readUInt16LE(LOWER_AT)
    const upper = bytes.readUInt16LE(UPPER_AT)
    if (lower % 2 !== 0 || lower === 0 || lower > upper || upper > room) throw outside(number)
    return Array.from({ length: lower / 2 }, (_, index) => {
      const offset = bytes.readUInt16LE(HEADER_BYTES + 2 * index)
      const isInside = offset >= upper && offset + NODE_HEADER_BYTES <= room
      if (!isInside) throw outside(number)
      return HEADER_BYTES + offset
    })
  }

  const outside = (number: number) => new DamagedPageError(`page ${number} points outside itself`)

  if (record.root !== undefined) visit(record.root, 1)
  for (const kind of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const) {
    if (found[kind] !== record[kind]) {
      throw new DamagedPageError(`of ${record[kind]} ${NAMES[kind]} there are ${found[kind]}`)
    }
  }
}

const NAMES = {
  branchPages: 'branch pages',
  leafPages: 'leaf pages',
  overflowPages: 'overflow pages',
  entries: 'entries',
}
