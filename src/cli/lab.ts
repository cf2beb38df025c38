import { mkdtemp, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { formatIPv4Address } from '../api/values/ipv4-address.ts'
import { createKubeStore, type KubeStore } from '../kube/client.ts'
import { createDhcpClient, type DhcpClient } from '../lab/clients/client.ts'
import type { ClientLease } from '../lab/clients/lease.ts'
import { getTable } from '../lab/kubectl-view.ts'
import { parseLease } from '../lab/lease-json.ts'
import {
  LAB_NETWORK,
  LAB_VM_MAC,
  type LabSession,
  openLabSession,
  SERVER_INTERFACE,
  VM_INTERFACE,
} from '../lab/session.ts'
import { applyExample, describeLease, StoryError, untilAllocated, untilPoolServes } from '../lab/story.ts'
import { checkLabRights, findTool } from '../lab/tools.ts'
import { runCommand } from '../network/command.ts'
import { createLogger } from '../observe/log.ts'
import { VERSION } from '../processes/version.ts'
import { packageFile } from '../runtime/package-root.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { tapStandalone } from './tap.ts'

export interface LabOptions {
  dataDir?: string
  listen: { host: string; port: number }
  once: boolean
}

const say = (text = '') => void process.stdout.write(`${text}\n`)
const indent = (text: string) => text.trimEnd().replaceAll(/^/gm, '      ')

/** The main job, told as it happens; then it stays up. @returns the exit code @throws LabUnavailableError, StoryError */
export async function runLab(options: LabOptions): Promise<number> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  process.once('SIGTERM', () => stop.abort())
  await checkLabRights()
  const isOwnNetwork = await ensureLoopback()
  const dataDirectory = options.dataDir ?? (await mkdtemp(path.join(tmpdir(), 'managed-dhcp-')))
  let session: LabSession | undefined
  let store: KubeStore | undefined
  let client: DhcpClient | undefined
  try {
    session = await openLabSession({ dataDirectory, listen: options.listen, logLevel: 'warn' })
    store = createKubeStore({
      kubeconfig: session.kubeconfig,
      log: createLogger({ component: 'lab', level: 'silent' }),
      clock: systemClock,
    })
    tellScene(session)
    client = await tellStory(session, store, stop.signal)
    if (!options.once && !stop.signal.aborted) {
      tellHowToGoOn(session, isOwnNetwork)
      await Promise.race([aborted(stop.signal), session.ended.then(failedEarly)])
    }
    return 0
  } finally {
    stop.abort()
    say()
    say('Cleaning up …')
    await client?.stop()
    store?.close()
    await session?.close()
    if (options.dataDir === undefined) await rm(dataDirectory, { recursive: true, force: true })
    say('Nothing is left behind.')
  }
}

function tellScene(session: LabSession): void {
  say(`Managed DHCP ${VERSION}: every VM keeps its address`)
  say()
  say('  1 · A network, all of it in network namespaces on this machine')
  say(`        server ── ${SERVER_INTERFACE} ──┐`)
  say(`                         switch   (${LAB_NETWORK})`)
  say(`        test-vm ─ ${VM_INTERFACE} ──┘   ${LAB_VM_MAC}`)
  say()
  say('  2 · The system: controller, agent, Kubernetes API and message bus in one process')
  say(`      managed-dhcp standalone --network ${LAB_NETWORK}=${SERVER_INTERFACE}`)
  say(`      the Kubernetes API is served at ${session.url}`)
  say()
}

async function tellStory(
  session: LabSession,
  store: KubeStore,
  signal: AbortSignal,
): Promise<DhcpClient | undefined> {
  const { url } = session
  say('  3 · The pool, as in the documentation')
  say(`      kubectl apply -f deploy/examples/nad-net-48.yaml -f deploy/examples/ippool-net-48.yaml`)
  await applyExample(store, 'nad-net-48.yaml')
  await applyExample(store, 'ippool-net-48.yaml')
  await untilPoolServes(store, 'net-48')
  const pools = '/apis/network.harvesterhci.io/v1alpha1/namespaces/default/ippools'
  say(indent(await getTable(url, pools)))
  say()

  say('  4 · The VM: from it comes a VirtualMachineNetworkConfig, and an address')
  say('      kubectl apply -f deploy/examples/vm-test-vm.yaml')
  await applyExample(store, 'vm-test-vm.yaml')
  const address = await untilAllocated(store, 'test-vm')
  say(
    indent(
      await getTable(
        url,
        '/apis/network.harvesterhci.io/v1alpha1/namespaces/default/virtualmachinenetworkconfigs',
      ),
    ),
  )
  say(`      allocated: ${address} for ${LAB_VM_MAC}`)
  say()

  const tool =
    findTool('udhcpc') !== undefined ? 'udhcpc' : findTool('dhclient') !== undefined ? 'dhclient' : undefined
  say(
    `  5 · The lease: ${tool ?? 'the project’s own small client'} in test-vm asks by DHCP; what the agent answers:`,
  )
  void tapStandalone(url, undefined, {
    subjects: ['mdhcp.event.dhcp.>'],
    write: (text) => say(`      ${text.trimEnd()}`),
    signal,
  }).catch(() => {})
  const { client, lease } = await boot(session, tool)
  say(`      bound: ${describeLease(lease)}`)
  if (formatIPv4Address(lease.address) !== address) {
    throw new StoryError(`the client got ${formatIPv4Address(lease.address)} instead of ${address}`)
  }
  say(indent(await getTable(url, pools)))
  say()
  return client
}

async function boot(
  { vm }: LabSession,
  tool: 'udhcpc' | 'dhclient' | undefined,
): Promise<{ client: DhcpClient | undefined; lease: ClientLease }> {
  if (tool !== undefined) {
    const client = createDhcpClient({ kind: tool, ...vm, clock: systemClock })
    return { client, lease: await client.start() }
  }
  const main = packageFile('dist', 'src', 'lab', 'small-client-main.js')
  const { stdout } = await vm.namespace.exec(process.execPath, [main, vm.interfaceName])
  return { client: undefined, lease: parseLease(stdout) }
}

function tellHowToGoOn(session: LabSession, isOwnNetwork: boolean): void {
  const enter = isOwnNetwork ? `nsenter --target ${process.pid} --user --net --preserve-credentials ` : ''
  say('  6 · Go on, in another terminal')
  say(`      export KUBECONFIG=${session.kubeconfig}`)
  say(`      ${enter}kubectl get ippools.network,vmnetcfg,vm`)
  say(`      ${enter}kubectl get ippools.network net-48 -o yaml`)
  say(`      ${enter}node dist/src/main.js leases`)
  say('      DHCP messages are shown here as they come. Ctrl-C ends the lab and removes all of it.')
  say()
}

/** In a network namespace of our own (`unshare -Urn`) loopback is down at first. @returns whether this is one */
async function ensureLoopback(): Promise<boolean> {
  const own = await readlink('/proc/self/ns/net')
  const first = await readlink('/proc/1/ns/net').catch(() => undefined)
  if (own === first) return false
  await runCommand('ip', ['link', 'set', 'lo', 'up']).catch(() => {})
  return true
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const keepAlive = setInterval(() => {}, 60_000)
    signal.addEventListener('abort', () => {
      clearInterval(keepAlive)
      resolve()
    })
  })
}

function failedEarly(output: string): never {
  throw new StoryError(`standalone ended by itself: ${output.trim()}`)
}
