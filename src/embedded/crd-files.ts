import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadAll } from 'js-yaml'
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
  const root = packageRoot(dirname(fileURLToPath(import.meta.url)))
  return [join(root, 'deploy', 'crds'), join(root, 'deploy', 'third-party-crds')]
}

/** The sources run from src/, the compiled program from dist/src/: both are somewhere below package.json. */
function packageRoot(start: string): string {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory
    if (dirname(directory) === directory) throw new CrdFileError(start, 'is not inside a package')
  }
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
