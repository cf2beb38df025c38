import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Edit } from './bugs.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** The compiler found errors. */
export class BuildError extends Error {
  override readonly name = 'BuildError'
}

/** The product has changed: what the bug was to be planted in is not there, or there more than once. */
export class BugDoesNotApplyError extends Error {
  override readonly name = 'BugDoesNotApplyError'
  constructor(
    readonly bug: string,
    { file, from }: Edit,
    readonly count: number,
  ) {
    super(`"${bug}" cannot be planted: ${file} has this ${count} times instead of once:\n${from}`)
  }
}

/** The product, built in a place of its own, and copies of it with bugs. */
export class Product {
  readonly #place = mkdtempSync(join(tmpdir(), 'managed-dhcp-planted-'))
  /** Of the product as it is. */
  readonly directory = join(this.#place, 'product')

  /** @throws BuildError */
  constructor() {
    for (const name of ['node_modules', 'deploy', 'package.json']) {
      symlinkSync(join(ROOT, name), join(this.#place, name))
    }
    const output = ['--outDir', this.directory, '--tsBuildInfoFile', join(this.#place, 'tsbuildinfo')]
    const { status, stdout } = spawnSync(
      join(ROOT, 'node_modules', '.bin', 'tsc'),
      ['-p', 'tsconfig.build.json', '--sourceMap', 'false', ...output],
      { cwd: ROOT, encoding: 'utf8' },
    )
    if (status !== 0) throw new BuildError(stdout)
  }

  /** @returns the directory of a copy that has the bug @throws BugDoesNotApplyError */
  plant(bug: string, edits: readonly Edit[]): string {
    const directory = join(this.#place, bug.replaceAll(/\W+/g, '-'))
    cpSync(this.directory, directory, { recursive: true })
    for (const edit of edits) {
      const file = join(directory, edit.file)
      const parts = readFileSync(file, 'utf8').split(edit.from)
      if (parts.length !== 2) throw new BugDoesNotApplyError(bug, edit, parts.length - 1)
      writeFileSync(file, parts.join(edit.to))
    }
    return directory
  }

  remove(): void {
    rmSync(this.#place, { recursive: true, force: true })
  }
}
