import pino from 'pino'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { type Duration, seconds } from '../../../src/api/values/time.ts'
import { createDhcpClient, type DhcpClient } from '../../../src/lab/clients/client.ts'
import type { ClientKind } from '../../../src/lab/clients/program.ts'
import { CommandFailedError, runCommand } from '../../../src/network/command.ts'
import { packageFile } from '../../../src/runtime/package-root.ts'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { eventually } from '../../e2e/support/eventually.ts'
import { needControllers } from '../control-plane/controllers.ts'
import { type ControlPlane, sharedControlPlane } from '../control-plane/control-plane.ts'
import { installDefinitions } from '../control-plane/definitions.ts'
import { projectImages } from '../kubelet/images.ts'
import { type Kubelets, startKubelets } from '../kubelet/kubelets.ts'
import type { RunningContainer } from '../kubelet/runtime/container.ts'
import type { ImageTable } from '../kubelet/spec/image.ts'
import { emptyCluster } from './empty-cluster.ts'
import { NODE_LABELS, NODES, SYSTEM_NAMESPACE } from './names.ts'
import { createObjects, type Objects } from './objects.ts'
import { readmeCommands, runAsDocumented } from './readme.ts'

/** The whole product, deployed by its own manifests on a real control plane, with emulated kubelets. */
export interface Deployment {
  readonly controlPlane: ControlPlane
  readonly kubelets: Kubelets
  readonly objects: Objects
  /** @returns stdout @throws CommandFailedError */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /** kubectl that must be refused. @returns what it said on stderr */
  refusal(args: readonly string[], input?: string): Promise<string>
  apply(...manifests: readonly unknown[]): Promise<string>
  applyExample(file: string): Promise<string>
  /** A machine of its own on a network with a DHCP client, which is still to be started. */
  machine(
    network: string,
    name: string,
    mac: string,
    kind?: ClientKind,
    timeout?: Duration,
  ): Promise<DhcpClient>
  close(): Promise<void>
}

export interface DeploymentOptions {
  nodes?: readonly string[]
  /** More images than those that the manifests name. */
  images?: ImageTable
  /** The folder under deploy/ that is applied. */
  overlay?: string
}

/** Creates the namespace, starts the nodes, applies the manifests, and waits until all of it is ready. */
export async function deploy(options: DeploymentOptions = {}): Promise<Deployment> {
  const controlPlane = await sharedControlPlane()
  needControllers(controlPlane)
  const { kubeconfig, port, assets } = controlPlane
  const kubelets = await startKubelets({
    kubeconfig,
    port,
    images: { ...projectImages(), ...options.images },
    log: pino({ level: 'silent' }),
  })
  const environment = { ...process.env, KUBECONFIG: kubeconfig }

  async function kubectl(args: readonly string[], input = ''): Promise<string> {
    const { stdout } = await runCommand(`${assets}/kubectl`, args, { environment, input })
    return stdout
  }

  async function refusal(args: readonly string[], input?: string): Promise<string> {
    try {
      await kubectl(args, input)
    } catch (error) {
      if (error instanceof CommandFailedError) return error.stderr
      throw error
    }
    throw new Error(`kubectl ${args.join(' ')} was not refused`)
  }

  const deployment: Deployment = {
    controlPlane,
    kubelets,
    objects: createObjects(kubectl),
    kubectl,
    refusal,
    apply: (...items) =>
      kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items })),
    applyExample: (file) => kubectl(['apply', '-f', packageFile('deploy', 'examples', file)]),
    async machine(network, name, mac, kind = 'udhcpc', timeout = seconds(40)) {
      const machine = await kubelets.network(network).attachClient(name, parseMacAddress(mac))
      return createDhcpClient({ kind, ...machine, clock: systemClock, timeout })
    },
    close: () => kubelets.close(),
  }
  try {
    for (const name of options.nodes ?? NODES) {
      await kubelets.startNode({ name, labels: NODE_LABELS })
    }
    await kubectl(['create', 'namespace', SYSTEM_NAMESPACE])
    await kubectl([
      'apply',
      '-k',
      packageFile('deploy', ...(options.overlay ?? '').split('/').filter(Boolean)),
    ])
    await untilRolledOut(deployment)
    await untilWebhookIsAsked(deployment)
    return deployment
  } catch (error) {
    process.stderr.write(`${kubelets.allLogs()}\n`)
    await deployment.close()
    throw error
  }
}

/** Every Deployment and StatefulSet of the system namespace runs what it should. @throws Error with what is there */
export async function untilRolledOut({ kubectl }: Pick<Deployment, 'kubectl'>): Promise<void> {
  const here = (...args: string[]) => kubectl(['-n', SYSTEM_NAMESPACE, ...args])
  const workloads = await here('get', 'deployments,statefulsets', '-o', 'name')
  for (const workload of workloads.split('\n').filter(Boolean)) {
    try {
      await here('rollout', 'status', workload, '--timeout=90s')
    } catch (cause) {
      const [objects, events] = await Promise.all([
        here('get', 'nodes,deployments,replicasets,pods', '-o', 'wide'),
        here('get', 'events', '--sort-by=.lastTimestamp'),
      ])
      throw new Error(`${workload} is not rolled out:\n${objects}\n${events}`, { cause })
    }
  }
}

/** The API server finds a webhook by its endpoints, which it hears of on its own, not by what a Deployment says. */
async function untilWebhookIsAsked({ refusal }: Deployment): Promise<void> {
  const pool = {
    apiVersion: 'network.harvesterhci.io/v1alpha1',
    kind: 'IPPool',
    metadata: { name: 'nowhere', namespace: 'default' },
    spec: {
      networkName: 'default/nowhere',
      ipv4Config: {
        serverIP: '192.168.49.2',
        cidr: '192.168.49.0/24',
        pool: { start: '192.168.49.10', end: '192.168.49.20' },
      },
    },
  }
  await eventually(
    'the API server to ask the webhook',
    async () => {
      const why = await refusal(['create', '--dry-run=server', '-f', '-'], JSON.stringify(pool))
      if (!why.includes('there is no NetworkAttachmentDefinition default/nowhere')) throw new Error(why)
      return true
    },
    { seconds: 60 },
  )
}

/** A VirtualMachine as KubeVirt knows it, with one NIC. */
export function virtualMachine(name: string, mac: string, network = 'default/net-48') {
  return {
    apiVersion: 'kubevirt.io/v1',
    kind: 'VirtualMachine',
    metadata: { name, namespace: 'default' },
    spec: {
      runStrategy: 'Always',
      template: {
        spec: {
          domain: { devices: { interfaces: [{ name: 'nic-1', bridge: {}, macAddress: mac }] } },
          networks: [{ name: 'nic-1', multus: { networkName: network } }],
        },
      },
    },
  }
}

/** @throws Error when it does not run */
export function containerOf(system: Deployment, pod: string, container: string): RunningContainer {
  const found = system.kubelets.nodes
    .map((node) => node.container(`${SYSTEM_NAMESPACE}/${pod}`, container))
    .findLast((running) => running !== undefined)
  if (found === undefined) throw new Error(`container ${container} of ${pod} does not run`)
  return found
}

/** Does what deploy/README.md says under "Uninstall", to the letter: the definitions go too. */
export async function uninstall({ controlPlane }: Deployment): Promise<void> {
  for (const script of readmeCommands('Uninstall')) await runAsDocumented(controlPlane, script)
}

/** What is not the product's own is taken away too, and the definitions are put back: the next file finds a new cluster. */
export async function leave({ kubectl, kubelets, controlPlane }: Deployment): Promise<void> {
  await kubectl(['delete', 'vm,net-attach-def', '--all', '-n', 'default'])
  await kubectl(['delete', 'namespace', SYSTEM_NAMESPACE, '--timeout=120s'])
  await kubelets.close()
  await kubectl(['delete', 'nodes', '--all'])
  await installDefinitions(controlPlane)
  // Of one that was not uninstalled: a webhook that nobody answers for any more would keep other files from their pools.
  await emptyCluster()
}
