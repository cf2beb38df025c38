export interface ArchiveEntry {
  readonly path: string
  /** None for a folder. */
  readonly content?: Buffer
  /** Permissions, e.g. 0o755. */
  readonly mode: number
}

const FOLDER = 0o040000
const FILE = 0o100000

/** An archive as the kernel unpacks it for its first root (the format "newc" of cpio(5)). */
export function archive(entries: readonly ArchiveEntry[]): Buffer {
  const records = entries.map((entry, index) => record(index + 1, entry))
  return Buffer.concat([...records, record(0, { path: 'TRAILER!!!', mode: 0 })])
}

function record(inode: number, { path, content, mode }: ArchiveEntry): Buffer {
  const name = Buffer.from(`${path}\0`)
  const body = content ?? Buffer.alloc(0)
  const type = inode === 0 ? 0 : content === undefined ? FOLDER : FILE
  const [links, owner, group, time] = [1, 0, 0, 0]
  const devices = [0, 0, 0, 0]
  const fields = [inode, type | mode, owner, group, links, time, body.length, ...devices, name.length, 0]
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(body)])
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
}
