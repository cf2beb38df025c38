import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { pino } from 'pino'
import { openEmbeddedApi } from '../../src/embedded/embedded-api.ts'
import { writeKubeconfig } from '../../src/embedded/kubeconfig.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'

/**
 * The API server that the suite in this folder is run against: the one that $MANAGED_DHCP_TEST_KUBECONFIG names (a real
 * kube-apiserver, in the project `cluster`), else the embedded one (in the project `system`). Either has the
 * definitions of deploy/crds. The tests know nothing but the kubeconfig: they may ask for nothing that a kube-apiserver
 * does not do. The embedded API checks no CEL rules (x-kubernetes-validations): tests of those are *.cluster.test.ts.
 */
export interface Target {
  kubeconfigPath: string
  cleanup(): Promise<void>
}

export async function startTarget(): Promise<Target> {
  const given = process.env.MANAGED_DHCP_TEST_KUBECONFIG
  return given === undefined ? startEmbedded() : { kubeconfigPath: given, async cleanup() {} }
}

async function startEmbedded(): Promise<Target> {
  const directory = mkdtempSync(join(tmpdir(), 'kubernetes-api-'))
  const kubeconfigPath = join(directory, 'kubeconfig')
  const api = await openEmbeddedApi({
    dataDirectory: join(directory, 'data'),
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: 'silent' }),
  })
  const { url } = await api.listen({ host: '127.0.0.1', port: 0 })
  await writeKubeconfig(kubeconfigPath, { url })
  return {
    kubeconfigPath,
    async cleanup() {
      await api.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

let counter = 0

/** Tests share a server: each works in a namespace of its own. */
export function uniqueName(prefix: string): string {
  counter += 1
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${counter}`
}

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

const run = promisify(execFile)

export class KubectlMissingError extends Error {
  override readonly name = 'KubectlMissingError'
  constructor(cause: unknown) {
    super('kubectl is not installed: get version 1.32 from https://kubernetes.io/docs/tasks/tools/', {
      cause,
    })
  }
}

/** kubectl against the target; a refusal is an outcome, not an exception. */
export async function kubectl(
  target: Target,
  args: readonly string[],
  options: { stdin?: string; environment?: Record<string, string> } = {},
): Promise<Outcome> {
  const env = { ...process.env, KUBECONFIG: target.kubeconfigPath, ...options.environment }
  const running = run('kubectl', [...args], { env, timeout: 30_000 })
  running.child.stdin?.on('error', () => {})
  running.child.stdin?.end(options.stdin ?? '')
  try {
    const { stdout, stderr } = await running
    return { code: 0, stdout, stderr }
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
    if (error.code === 'ENOENT') throw new KubectlMissingError(error)
    const { stdout, stderr } = Object.assign({ stdout: '', stderr: '' }, error)
    return { code: typeof error.code === 'number' ? error.code : 1, stdout, stderr }
  }
}

/** kubectl that must succeed. @returns what it printed */
export async function kubectlOk(
  target: Target,
  args: readonly string[],
  options: { stdin?: string; environment?: Record<string, string> } = {},
): Promise<string> {
  const outcome = await kubectl(target, args, options)
  if (outcome.code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${outcome.stderr}${outcome.stdout}`)
  return outcome.stdout
}

export async function makeNamespace(target: Target, prefix: string): Promise<string> {
  const namespace = uniqueName(prefix)
  await kubectlOk(target, ['create', 'namespace', namespace])
  return namespace
}
