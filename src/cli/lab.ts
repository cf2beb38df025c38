import { mkdtemp, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type DhcpEvent, dhcpEventSchema } from '../../actors/agent/contracts.ts'
import { formatIPv4Address } from '../api/values/ipv4-address.ts'
import { seconds } from '../api/values/time.ts'
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
import { sleep } from '../runtime/clock.ts'
import { keepAlive } from '../runtime/keep-alive.ts'
import { packageFile } from '../runtime/package-root.ts'
import { systemClock } from '../runtime/system-clock.ts'
import { describeDhcpEvent } from './dhcp-line.ts'
import { createScreen } from './screen.ts'
import { bodyOf, tapStandalone, timeOfDay } from './tap.ts'

export interface LabOptions {
  dataDir?: string
  listen: { host: string; port: number }
  once: boolean
}

const screen = createScreen(process.stdout)
const CUSTOM_RESOURCES = '/apis/network.harvesterhci.io/v1alpha1/namespaces/default'
/** The tap may tell of an ACK a moment after the client has. */
const TAP_DELAY = seconds(2)

/** The main job, told as it happens; then it stays up. @returns the exit code @throws LabUnavailableError, StoryError */
export async function runLab(options: LabOptions): Promise<number> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => stop.abort())
  // The terminal may have been closed: what is left to be said goes nowhere, but cleaning up goes on.
  process.stdout.on('error', () => stop.abort())
  await checkLabRights()
  const enter = await howToEnter()
  // In a network namespace of our own loopback is down at first.
  if (enter !== '') await runCommand('ip', ['link', 'set', 'lo', 'up'])
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
    await tellPool(session, store)
    const address = await tellVm(session, store)
    client = await tellLease(session, address, stop.signal)
    if (!options.once && !stop.signal.aborted) {
      tellHowToGoOn(session, enter)
      await Promise.race([aborted(stop.signal), session.ended.then(failedEarly)])
    }
    return 0
  } finally {
    stop.abort()
    screen.gap()
    screen.text('Cleaning up …')
    await client?.stop()
    store?.close()
    await session?.close()
    if (options.dataDir === undefined) await rm(dataDirectory, { recursive: true, force: true })
    screen.success(
      options.dataDir === undefined
        ? 'Nothing is left behind.'
        : `Nothing is left behind but the objects in ${options.dataDir}.`,
    )
  }
}

function tellScene(session: LabSession): void {
  screen.gap()
  screen.heading(`Managed DHCP ${VERSION}: every VM keeps its address`)
  screen.gap()
  screen.heading('1 · A network, all of it in network namespaces on this machine')
  screen.text(`  server   ${SERVER_INTERFACE} ──┐`)
  screen.text(`                  ├── switch, the network ${LAB_NETWORK}`)
  screen.text(`  test-vm  ${VM_INTERFACE} ──┘   ${LAB_VM_MAC}`)
  screen.gap()
  screen.heading(
    '2 · The system, on server: Kubernetes API, controller, agent and message bus in one process',
  )
  screen.command(`managed-dhcp standalone --network ${LAB_NETWORK}=${SERVER_INTERFACE}`)
  screen.success(`the Kubernetes API is served at ${session.url}`)
  screen.gap()
}

async function tellPool({ url }: LabSession, store: KubeStore): Promise<void> {
  screen.heading('3 · The pool of addresses, as in the documentation')
  screen.command('kubectl apply -f deploy/examples/nad-net-48.yaml -f deploy/examples/ippool-net-48.yaml')
  await applyExample(store, 'nad-net-48.yaml')
  await applyExample(store, 'ippool-net-48.yaml')
  await untilPoolServes(store, 'net-48')
  await showTable('ippools', url)
  screen.gap()
}

/** @returns the VM's address */
async function tellVm({ url }: LabSession, store: KubeStore): Promise<string> {
  screen.heading('4 · The VM: an address is allocated before its guest asks')
  screen.command('kubectl apply -f deploy/examples/vm-test-vm.yaml')
  await applyExample(store, 'vm-test-vm.yaml')
  const address = await untilAllocated(store, 'test-vm')
  await showTable('virtualmachinenetworkconfigs', url)
  screen.success(`${address} is allocated to ${LAB_VM_MAC}`)
  screen.gap()
  return address
}

async function tellLease(
  session: LabSession,
  address: string,
  signal: AbortSignal,
): Promise<DhcpClient | undefined> {
  const tool = (['udhcpc', 'dhclient'] as const).find((name) => findTool(name) !== undefined)
  screen.heading(`5 · The lease: ${tool ?? 'a small DHCP client of our own'} on test-vm asks by DHCP`)
  const { acknowledged } = await followDhcp(session, signal)
  const { client, lease } = await boot(session, tool)
  await Promise.race([acknowledged, sleep(systemClock, TAP_DELAY)])
  if (formatIPv4Address(lease.address) !== address) {
    throw new StoryError(`the client got ${formatIPv4Address(lease.address)} instead of ${address}`)
  }
  screen.success(`test-vm has ${describeLease(lease)}`)
  await showTable('ippools', session.url)
  screen.gap()
  return client
}

/** Every DHCP message is shown until the signal. Resolves when the tap is on. */
function followDhcp(session: LabSession, signal: AbortSignal): Promise<{ acknowledged: Promise<void> }> {
  return new Promise((resolve, reject) => {
    let acknowledge = () => {}
    const acknowledged = new Promise<void>((resolveAcknowledged) => {
      acknowledge = resolveAcknowledged
    })
    tapStandalone(session.url, undefined, {
      subjects: ['mdhcp.event.dhcp.>'],
      signal,
      onReady: () => resolve({ acknowledged }),
      show(_subject, message) {
        const event: DhcpEvent | undefined = dhcpEventSchema.safeParse(bodyOf(message)).data
        if (event === undefined) return
        screen.text(`${timeOfDay()}  ${describeDhcpEvent(event)}`)
        if (event.type === 'ack') acknowledge()
      },
    }).catch(reject)
  })
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

function tellHowToGoOn(session: LabSession, enter: string): void {
  screen.heading('6 · Now you: in another terminal')
  screen.command(`export KUBECONFIG=${session.kubeconfig}`)
  screen.command(`${enter}kubectl get ippools.network,vmnetcfg,vm`)
  screen.command(`${enter}kubectl get ippools.network net-48 -o yaml`)
  screen.command(`${enter}node dist/src/main.js leases`)
  screen.gap()
  screen.text('DHCP messages are shown below as they come. Ctrl-C ends the lab and removes all of it.')
  screen.gap()
}

/**
 * The words that bring another terminal to our API: none, unless this runs in a network namespace of its own
 * (`unshare --map-root-user --net` for want of root, or plain `unshare --net`).
 */
async function howToEnter(): Promise<string> {
  const [, , count] = (await readFile('/proc/self/uid_map', 'utf8')).trim().split(/\s+/)
  if (count === '1') return `nsenter --target ${process.pid} --user --net --preserve-credentials `
  const own = await readlink('/proc/self/ns/net')
  const first = await readlink('/proc/1/ns/net').catch(() => own)
  return own === first ? '' : `nsenter --target ${process.pid} --net `
}

async function showTable(plural: string, url: string): Promise<void> {
  screen.text(await getTable(url, `${CUSTOM_RESOURCES}/${plural}`))
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const release = keepAlive()
    signal.addEventListener('abort', () => {
      release()
      resolve()
    })
  })
}

function failedEarly(output: string): never {
  throw new StoryError(`standalone ended by itself: ${output.trim()}`)
}
