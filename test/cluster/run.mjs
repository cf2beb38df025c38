// `npm run test:cluster [FILE…] [-t NAME]`: the tests against a real Kubernetes control plane.
// They run in a network, mount and process namespace of their own, so that nothing of them reaches the machine's
// network, and nothing of them is left when this process ends, however it ends.
import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { linkPrograms } from './assets/assets.mjs'
import { fail } from './assets/say.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const root = dirname(dirname(here))

if (process.getuid?.() !== 0) fail('the cluster tests make network namespaces: run them as root, on Linux')
prepare(join(root, 'src', 'bootstrap.mjs'), '--with-cluster-tools')
prepare(join(here, 'assets', 'prepare.mjs'))

const programs = linkPrograms()
process.on('exit', () => rmSync(programs, { recursive: true, force: true }))

const vitest = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'cluster']
const child = spawn(
  'setpriv',
  // Should this process be killed, the namespaces' first process dies with it, and the kernel ends the rest.
  ['--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
    .concat('bash', join(here, 'namespace-init.sh'))
    .concat(process.execPath, vitest, process.argv.slice(2)),
  {
    cwd: root,
    // A group of its own: what a terminal sends goes to this process, which passes it on, once.
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: environment(),
  },
)
let isInterrupted = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt)
child.on('error', (error) => fail(`the namespaces of the tests cannot be made: ${error.message}`))
child.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)))

function prepare(...command) {
  const { status } = spawnSync(process.execPath, command, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) process.exit(status ?? 1)
}

function environment() {
  const { KUBECONFIG: _, ...rest } = process.env
  return {
    ...rest,
    PATH: [programs, process.env.PATH].join(delimiter),
    MANAGED_DHCP_CLUSTER_ASSETS: programs,
  }
}

/** Once: the tests end by themselves. Again, or when they take too long: the kernel ends them. */
function interrupt() {
  if (isInterrupted) child.kill('SIGKILL')
  isInterrupted = true
  // To the group: unshare leaves it to its child, namespace-init.sh.
  process.kill(-child.pid, 'SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), 20_000).unref()
}
