import { closeSync, existsSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { DataDirectoryError } from './errors.ts'
import { checkTree, DamagedPageError, type TreeRecord } from './lmdb-tree.ts'

/** Where things are in the two pages at the start of an LMDB file (MDB_meta behind a page header of 24 bytes). */
const MAGIC_AT = 24
const PAGE_SIZE_AT = 48
/** The tree of free pages, and that of what is stored. */
const TREES_AT = [48, 96]
const LAST_PAGE_AT = 144
const TRANSACTION_AT = 152
const META_BYTES = 160
const MAGIC = 0xbeefc0de
/** The last pages may never have been written when they were freed in the transaction that took them. */
const UNWRITTEN_PAGES = 16

/** While another process writes, what is read here may be replaced under our hands. */
const ATTEMPTS = 3

/**
 * Refuses a file that LMDB would crash on, or would read only a part of: it maps the file and trusts it, so a foreign,
 * truncated or damaged one ends in SIGSEGV, SIGBUS or SIGABRT, or in objects that are silently missing.
 * @throws DataDirectoryError
 */
export function checkFile(directory: string, file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return
  const descriptor = openSync(file, 'r')
  try {
    const { size } = statSync(file)
    const latest = readLatestMeta(directory, descriptor)
    const needed = (latest.lastPage + 1) * latest.pageSize
    if (size < needed - UNWRITTEN_PAGES * latest.pageSize) {
      throw damaged(directory, `data.mdb was cut off: it has ${size} bytes and should have ${needed}`)
    }
    checkTrees(directory, descriptor)
    if (size < needed) truncateSync(file, needed)
  } finally {
    closeSync(descriptor)
  }
}

function checkTrees(directory: string, descriptor: number): void {
  for (let attempt = 1; ; attempt += 1) {
    const latest = readLatestMeta(directory, descriptor)
    const { pageSize, lastPage, trees } = latest
    const read = (page: number) => {
      const bytes = Buffer.alloc(pageSize)
      return bytes.subarray(0, readSync(descriptor, bytes, 0, pageSize, page * pageSize))
    }
    try {
      for (const tree of trees) checkTree(tree, read, lastPage, pageSize)
      return
    } catch (error) {
      if (!(error instanceof DamagedPageError)) throw error
      const isWritten = readLatestMeta(directory, descriptor).transaction !== latest.transaction
      if (!isWritten) throw damaged(directory, `data.mdb is damaged: ${error.message}`)
      // Who writes it is found out next, and told.
      if (attempt === ATTEMPTS) return
    }
  }
}

/** @throws DataDirectoryError */
function readLatestMeta(directory: string, descriptor: number): Meta {
  const first = readMeta(descriptor, 0)
  if (!first) throw damaged(directory, 'data.mdb is not a database file')
  const second = readMeta(descriptor, first.pageSize)
  if (!second) throw damaged(directory, 'data.mdb has lost its second page')
  return second.transaction > first.transaction ? second : first
}

interface Meta {
  pageSize: number
  lastPage: number
  transaction: bigint
  trees: readonly TreeRecord[]
}

function readMeta(descriptor: number, offset: number): Meta | undefined {
  const page = Buffer.alloc(META_BYTES)
  if (readSync(descriptor, page, 0, META_BYTES, offset) < META_BYTES) return undefined
  if (page.readUInt32LE(MAGIC_AT) !== MAGIC) return undefined
  return {
    pageSize: page.readUInt32LE(PAGE_SIZE_AT),
    lastPage: Number(page.readBigUInt64LE(LAST_PAGE_AT)),
    transaction: page.readBigUInt64LE(TRANSACTION_AT),
    trees: TREES_AT.map((at) => readTree(page, at)),
  }
}

function readTree(page: Buffer, at: number): TreeRecord {
  const number = (offset: number) => Number(page.readBigUInt64LE(at + offset))
  return {
    depth: page.readUInt16LE(at + 6),
    branchPages: number(8),
    leafPages: number(16),
    overflowPages: number(24),
    entries: number(32),
    // All bits set (P_INVALID) when there is none.
    root: page.readBigInt64LE(at + 40) < 0 ? undefined : number(40),
  }
}

function damaged(directory: string, why: string): DataDirectoryError {
  return new DataDirectoryError(directory, `${why}. Move it away to start afresh, or restore it from a copy`)
}
