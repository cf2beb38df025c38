import { spawnSync } from 'node:child_process'
import { readdirSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const BUILD_INFO = join(ROOT, 'dist', '.tsbuildinfo')
const SOURCES = ['src', 'actors', 'transports', 'simulations']

/** The compiled program cannot be brought up to date: what would be tested is not what the sources say. */
export class StaleBuildError extends Error {
  override readonly name = 'StaleBuildError'
}

/**
 * The program as it is shipped, for tests that run it as a process. Builds first when a source is newer than dist.
 * @throws StaleBuildError with what the compiler said
 */
export function builtProgram(): string {
  const stale = staleBecause()
  if (stale !== undefined) {
    const { status, stdout } = spawnSync(
      join(ROOT, 'node_modules', '.bin', 'tsc'),
      ['-p', 'tsconfig.build.json'],
      {
        cwd: ROOT,
        encoding: 'utf8',
      },
    )
    if (status !== 0) throw new StaleBuildError(`${stale}, and "npm run build" fails:\n${stdout}`)
    // The compiler leaves its files alone where only times have changed.
    const now = new Date()
    utimesSync(BUILD_INFO, now, now)
  }
  return join(ROOT, 'dist', 'src', 'main.js')
}

function staleBecause(): string | undefined {
  const built = statSync(BUILD_INFO, { throwIfNoEntry: false })
  if (built === undefined) return 'dist is missing'
  for (const folder of SOURCES) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      if (entry.name.endsWith('.ts') && statSync(file).mtimeMs > built.mtimeMs) {
        return `dist is older than ${file.slice(ROOT.length)}`
      }
    }
  }
  return undefined
}
