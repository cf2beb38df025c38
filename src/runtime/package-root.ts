import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** This module is not inside a package: the installation is broken. */
export class PackageRootError extends Error {
  override readonly name = 'PackageRootError'
  constructor(readonly start: string) {
    super(`there is no package.json above ${start}: install managed-dhcp anew`)
  }
}

/**
 * A file of the package. The sources run from src/, the compiled program from dist/src/: both are below package.json.
 * @throws PackageRootError
 */
export function packageFile(...parts: string[]): string {
  const start = path.dirname(fileURLToPath(import.meta.url))
  for (let directory = start; ; directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, 'package.json'))) return path.join(directory, ...parts)
    if (path.dirname(directory) === directory) throw new PackageRootError(start)
  }
}
