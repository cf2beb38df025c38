import { closeSync, existsSync, openSync, readSync, statSync, truncateSync } from 'node:fs'
import { DataDirectoryError } from './errors.ts'

/** Where things are in the two pages at the start of an LMDB file (MDB_meta behind a page header of 24 bytes). */
const MAGIC_AT = 24
const PAGE_SIZE_AT = 48
const LAST_PAGE_AT = 144
const TRANSACTION_AT = 152
const META_BYTES = 160
const MAGIC = 0xbeefc0de
/** The last pages may never have been written when they were freed in the transaction that took them. */
const UNWRITTEN_PAGES = 16

/**
 * Refuses a file that LMDB would crash on: it maps the file and trusts it, so a foreign or truncated one
 * ends in SIGSEGV or SIGBUS instead of an error.
 * @throws DataDirectoryError
 */
export function checkFile(directory: string, file: string): void {
  if (!existsSync(file) || statSync(file).size === 0) return
  const { size } = statSync(file)
  const first = readMeta(file, 0)
  if (!first) throw damaged(directory, 'data.mdb is not a database file')
  const second = readMeta(file, first.pageSize)
  if (!second) throw damaged(directory, 'data.mdb has lost its second page')
  const latest = second.transaction > first.transaction ? second : first
  const needed = (latest.lastPage + 1) * first.pageSize
  if (size >= needed) return
  if (size < needed - UNWRITTEN_PAGES * first.pageSize) {
    throw damaged(directory, `data.mdb was cut off: it has ${size} bytes and should have ${needed}`)
  }
  truncateSync(file, needed)
}

interface Meta {
  pageSize: number
  lastPage: number
  transaction: bigint
}

function readMeta(file: string, offset: number): Meta | undefined {
  const page = Buffer.alloc(META_BYTES)
  const descriptor = openSync(file, 'r')
  try {
    if (readSync(descriptor, page, 0, META_BYTES, offset) < META_BYTES) return undefined
  } finally {
    closeSync(descriptor)
  }
  if (page.readUInt32LE(MAGIC_AT) !== MAGIC) return undefined
  return {
    pageSize: page.readUInt32LE(PAGE_SIZE_AT),
    lastPage: Number(page.readBigUInt64LE(LAST_PAGE_AT)),
    transaction: page.readBigUInt64LE(TRANSACTION_AT),
  }
}

function damaged(directory: string, why: string): DataDirectoryError {
  return new DataDirectoryError(directory, `${why}. Move it away to start afresh, or restore it from a copy`)
}
