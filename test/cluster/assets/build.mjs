// Builds what is missing of a Kubernetes control plane, once: node test/cluster/assets/build.mjs
// It may be killed at any moment, and two may run at once: one builds at a time (the kernel lets go of the lock of a
// process that dies), and a program appears in the cache by a rename, when it is whole.
import { spawn } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  buildFlags,
  cacheFolder,
  ENVTEST_PROGRAMS,
  missingPrograms,
  PACKAGES,
  TOOLS,
  versions,
} from './assets.mjs'
import { checkEnvtest, findGo } from './requirements.mjs'
import { fail, say } from './say.mjs'

const HOLDS_LOCK = '--holding-the-lock'
/** An exit code of flock that is none of ours. */
const LOCK_IS_HELD = 75

checkEnvtest()
const missing = missingPrograms()
if (missing.length === 0) process.exit(0)
const { go, problem } = findGo()
if (go === undefined) goOnWithout(missing)
if (process.argv.includes(HOLDS_LOCK)) await build()
else await buildInTurn()

/** Who brings a control plane of envtest can run what needs no more than that. */
function goOnWithout(programs) {
  const isEnough = !programs.some((name) => ENVTEST_PROGRAMS.includes(name))
  if (!isEnough) fail(problem)
  say(`without ${programs.join(' and ')}, which KUBEBUILDER_ASSETS does not hold: tests that need pods fail`)
  say(`(${problem})`)
  process.exit(0)
}

async function buildInTurn() {
  mkdirSync(cacheFolder(), { recursive: true })
  const lock = join(cacheFolder(), '.lock')
  const command = [lock, process.execPath, fileURLToPath(import.meta.url), HOLDS_LOCK]
  let code = await run('flock', [
    '--no-fork',
    '--nonblock',
    '--conflict-exit-code',
    String(LOCK_IS_HELD),
    ...command,
  ])
  if (code === LOCK_IS_HELD) {
    say(`another build of Kubernetes is under way; waiting for ${lock} …`)
    code = await run('flock', ['--no-fork', ...command])
  }
  process.exit(code)
}

async function build() {
  const unfinished = join(cacheFolder(), '.unfinished')
  rmSync(unfinished, { recursive: true, force: true })
  const names = missingPrograms()
  say(`building ${names.join(', ')} of Kubernetes ${versions().kubernetes} (once, some minutes) …`)
  for (const [index, name] of names.entries()) {
    const began = performance.now()
    const file = join(unfinished, name)
    const code = await run('nice', ['-n', '15', go, 'build', ...buildFlags(), '-o', file, PACKAGES[name]], {
      cwd: TOOLS,
      env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' },
    })
    if (code !== 0) fail(`${name} could not be built; see above`)
    renameSync(file, join(cacheFolder(), name))
    const seconds = Math.round((performance.now() - began) / 1000)
    say(`  ${name} built in ${seconds} s (${index + 1} of ${names.length})`)
  }
  rmSync(unfinished, { recursive: true, force: true })
}

/** @returns the exit code. A signal to this process ends the other one too. */
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], ...options })
    const pass = (signal) => child.kill(signal)
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, pass)
    child.on('error', (error) => fail(`${command} cannot be run: ${error.message}`))
    child.on('exit', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM']) process.removeListener(signal, pass)
      resolve(code ?? 1)
    })
  })
}
