import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

export interface PayloadFile {
  readonly content: Buffer
  readonly mode: number
}

/** Relative path to file. */
export type Payload = ReadonlyMap<string, PayloadFile>

/**
 * A volume of files that changes as kubelet changes it: whoever reads sees the old files or the new ones, never a
 * mixture. `..data` is a link to the folder that holds for now, and is replaced in one step.
 */
export class AtomicFolder {
  readonly path: string
  readonly #group: number | undefined
  #generation = 0
  #written: string | undefined

  constructor(path: string, group: number | undefined) {
    this.path = path
    this.#group = group
    mkdirSync(path, { recursive: true })
    this.#own(path, 0o755)
  }

  write(payload: Payload): void {
    const digest = JSON.stringify(
      [...payload].map(([path, file]) => [path, file.mode, file.content.toString('base64')]),
    )
    if (digest === this.#written) return
    const folder = `..${++this.#generation}`
    mkdirSync(join(this.path, folder))
    this.#own(join(this.path, folder), 0o755)
    for (const [path, file] of payload) this.#writeFile(join(this.path, folder, path), file)
    symlinkSync(folder, join(this.path, '..data_tmp'))
    renameSync(join(this.path, '..data_tmp'), join(this.path, '..data'))
    this.#linkTopLevel(new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path)))
    if (this.#generation > 1) rmSync(join(this.path, `..${this.#generation - 1}`), { recursive: true })
    this.#written = digest
  }

  #writeFile(path: string, { content, mode }: PayloadFile): void {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    this.#own(path, this.#group === undefined ? mode : mode | 0o440)
  }

  #linkTopLevel(names: ReadonlySet<string>): void {
    const present = new Set(readdirSync(this.path).filter((name) => !name.startsWith('..')))
    for (const name of names) {
      if (!present.has(name)) symlinkSync(join('..data', name), join(this.path, name))
    }
    for (const name of present) if (!names.has(name)) rmSync(join(this.path, name))
  }

  #own(path: string, mode: number): void {
    if (this.#group !== undefined) chownSync(path, 0, this.#group)
    chmodSync(path, mode)
  }
}
