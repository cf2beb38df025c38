import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import { packageFile } from '../runtime/package-root.ts'
import { isFields } from './json.ts'

export class CrdFileError extends Error {
  override readonly name = 'CrdFileError'
  constructor(
    readonly file: string,
    why: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${why}`, options)
  }
}

/** The directories that a real cluster gets its definitions from too. */
export function defaultCrdDirectories(): string[] {
  return [packageFile('deploy', 'crds'), packageFile('deploy', 'third-party-crds')]
}

/** @throws CrdFileError */
export function readCrdFiles(directories: readonly string[]): unknown[] {
  return directories.flatMap((directory) => {
    const names = attempt(directory, () => readdirSync(directory))
    return names
      .filter((name) => /\.ya?ml$/.test(name))
      .sort()
      .flatMap((name) => readCrdFile(join(directory, name)))
  })
}

function readCrdFile(file: string): unknown[] {
  const documents = attempt(file, () => loadAll(readFileSync(file, 'utf8')))
  return documents.filter((document) => isFields(document) && document.kind === 'CustomResourceDefinition')
}

function attempt<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw new CrdFileError(file, cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
