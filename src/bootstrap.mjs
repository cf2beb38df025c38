// What `npm start` and `npm test` need before TypeScript can run: dependencies, the build, and for tests real parts.
// Plain JavaScript, without dependencies of its own.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isNewEnough, kubectlProblem } from './kubectl-version.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

const [major] = process.versions.node.split('.').map(Number)
if (major < 20) fail(`Node.js 20 or later is needed; this is ${process.version}`)

/** The real parts that the tests run against: a broker, DHCP clients and a server, network namespaces; and kubectl. */
const TEST_TOOLS = {
  'nats-server': 'nats-server',
  udhcpc: 'udhcpc',
  dhclient: 'isc-dhcp-client',
  dhcpcd: 'dhcpcd-base',
  busybox: 'busybox-static',
  ip: 'iproute2',
  nsenter: 'util-linux',
  mount: 'mount',
  tcpdump: 'tcpdump',
}
const BENCH_TOOLS = { perfdhcp: 'kea-admin' }
/** What the tests against a Kubernetes control plane run beside it: a broker, pods, virtual machines. */
const CLUSTER_TOOLS = {
  'nats-server': 'nats-server',
  ip: 'iproute2',
  nsenter: 'util-linux',
  mount: 'mount',
  busybox: 'busybox-static',
  udhcpc: 'udhcpc',
  'qemu-system-x86_64': 'qemu-system-x86',
}

installDependencies()
build()
if (process.argv.includes('--with-test-tools')) {
  installTools(TEST_TOOLS)
  requireKubectl()
}
if (process.argv.includes('--with-bench-tools')) installTools(BENCH_TOOLS)
if (process.argv.includes('--with-cluster-tools')) installTools(CLUSTER_TOOLS)

function installDependencies() {
  const stamp = join('node_modules', '.managed-dhcp-lock')
  const lock = createHash('sha256')
    .update(readFileSync('package-lock.json'))
    .update(process.version)
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  say('installing dependencies (once) …')
  // raw-socket is compiled here; with the headers of a distribution's node it needs no download.
  const nodedir = hasOwnHeaders('/usr') ? { npm_config_nodedir: '/usr' } : {}
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { ...nodedir, ...process.env })
  writeFileSync(stamp, lock)
}

/** Headers of another version would compile, and crash later. */
function hasOwnHeaders(folder) {
  const file = join(folder, 'include', 'node', 'node_version.h')
  return existsSync(file) && readFileSync(file, 'utf8').includes(`#define NODE_MAJOR_VERSION ${major}\n`)
}

function build() {
  const compiler = join('node_modules', '.bin', 'tsc')
  const result = spawnSync(compiler, ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
  if (result.status !== 0) fail('the build failed; see above')
}

/** Programs, and the Debian packages that bring them. */
function installTools(packages) {
  const missing = Object.keys(packages).filter((program) => !isInstalled(program))
  if (missing.length === 0) return
  const names = missing.map((program) => packages[program])
  if (process.getuid?.() !== 0 || !isInstalled('apt-get')) {
    fail(
      `this needs ${missing.join(', ')}: install ${names.join(' ')} (Debian: apt-get install ${names.join(' ')})`,
    )
  }
  say(`installing ${names.join(', ')} (once) …`)
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['-qq', 'update'], environment)
  run('apt-get', ['-qq', '-y', '--no-install-recommends', 'install', ...names], environment)
}

function requireKubectl() {
  if (!isInstalled('kubectl') && process.getuid?.() === 0 && isInstalled('apt-get')) installKubectl()
  const problem = kubectlProblem()
  if (problem !== undefined) fail(problem)
}

/** Debian's package, where it is new enough: Debian 12 has kubectl 1.20. */
function installKubectl() {
  run('apt-get', ['-qq', 'update'], process.env)
  const { stdout } = spawnSync('apt-cache', ['policy', 'kubernetes-client'], { encoding: 'utf8' })
  const candidate = /Candidate: (\S+)/.exec(stdout ?? '')?.[1]
  if (candidate !== undefined && isNewEnough(candidate)) installTools({ kubectl: 'kubernetes-client' })
}

function isInstalled(program) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function run(command, args, env) {
  try {
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env })
  } catch {
    fail(`"${command} ${args.join(' ')}" failed; see above`)
  }
}

function say(text) {
  process.stderr.write(`${text}\n`)
}

function fail(text) {
  process.stderr.write(`managed-dhcp: ${text}\n`)
  process.exit(2)
}
