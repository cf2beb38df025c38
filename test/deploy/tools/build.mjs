// Builds what is missing of the programs that the cluster tests of deploy/ use, once: helm, and BuildKit's check of a
// Dockerfile. Prints the folder that they are in: node test/deploy/tools/build.mjs
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const MODULE = fileURLToPath(new URL('.', import.meta.url))
const PACKAGES = { helm: 'helm.sh/helm/v3/cmd/helm', 'dockerfile-lint': './dockerfile-lint' }
const FLAGS = ['-mod=readonly', '-buildvcs=false', '-trimpath', '-p', '2', '-ldflags', '-s -w']

const folder = cacheFolder()
const missing = Object.keys(PACKAGES).filter((name) => !existsSync(join(folder, name)))
if (missing.length > 0) build()
process.stdout.write(`${folder}\n`)

/** Another one for other versions, sources or flags. */
function cacheFolder() {
  const hash = createHash('sha256')
  for (const file of ['go.mod', 'go.sum', 'dockerfile-lint/main.go'])
    hash.update(readFileSync(join(MODULE, file)))
  hash.update(JSON.stringify([PACKAGES, FLAGS, process.platform, process.arch]))
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return join(cache, 'managed-dhcp', `deploy-tools-${hash.digest('hex').slice(0, 12)}`)
}

function build() {
  const go = ['go', '/usr/local/go/bin/go'].find((one) => spawnSync(one, ['version']).status === 0)
  if (go === undefined)
    fail('the cluster tests of deploy/ need Go to build helm: install it from https://go.dev/dl/')
  mkdirSync(folder, { recursive: true })
  process.stderr.write(`building ${missing.join(', ')} (once, some minutes) …\n`)
  for (const name of missing) {
    // Two may build at once: each appears by a rename, when it is whole.
    const unfinished = join(folder, `.${name}.${process.pid}`)
    const { status } = spawnSync(
      'nice',
      ['-n', '15', go, 'build', ...FLAGS, '-o', unfinished, PACKAGES[name]],
      {
        cwd: MODULE,
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' },
      },
    )
    if (status !== 0) fail(`${name} could not be built; see above`)
    renameSync(unfinished, join(folder, name))
  }
}

function fail(text) {
  process.stderr.write(`managed-dhcp: ${text}\n`)
  process.exit(2)
}
