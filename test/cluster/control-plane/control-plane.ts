import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import * as z from 'zod'
import { type Authority, createAuthority, newServiceAccountKey, openAuthority } from './certificates.ts'
import type { Component } from './component.ts'
import {
  apiServerComponent,
  controllerManagerComponent,
  etcdComponent,
  schedulerComponent,
} from './components.ts'
import { compactEtcd } from './compaction.ts'
import { type Identity, writeClientKubeconfig } from './kubeconfig.ts'
import {
  apiServerUrl,
  files,
  KUBERNETES_SERVICE_IP,
  type Layout,
  POD_GATEWAY,
  type Ports,
  portsSchema,
} from './layout.ts'

/** etcd, kube-apiserver, kube-controller-manager and kube-scheduler, as processes of this machine. */
export interface ControlPlane {
  /** Certificates, kubeconfigs, logs (`NAME.log`) and etcd's data. */
  readonly directory: string
  /** https://127.0.0.1:PORT; pods find the same port at 10.244.0.1. */
  readonly url: string
  readonly port: number
  readonly caFile: string
  readonly caPem: string
  /** Path of a kubeconfig that may do everything. */
  readonly kubeconfig: string
  readonly etcd: Component
  readonly apiServer: Component
  readonly controllerManager: Component
  readonly scheduler: Component
  /** The folder with the programs, kubectl among them. */
  readonly assets: string
  /** Writes a kubeconfig with a client certificate for this user. @returns its path */
  kubeconfigFor(identity: Identity): Promise<string>
  /** Forgets every state but the present one, as the API server does every five minutes. */
  compact(): Promise<void>
  /** Ends all of it and removes its directory. */
  stop(): Promise<void>
}

export class ControlPlaneMissingError extends Error {
  override readonly name = 'ControlPlaneMissingError'
  constructor(variable: string) {
    super(`$${variable} is not set: these tests are run by "npm run test:cluster"`)
  }
}

/** The folder with the programs of the control plane, of `test/cluster/run.mjs`. */
const ASSETS_VARIABLE = 'MANAGED_DHCP_CLUSTER_ASSETS'
/** The directory of the control plane that the tests of a run share. */
export const CONTROL_PLANE_VARIABLE = 'MANAGED_DHCP_CONTROL_PLANE'

const descriptionSchema = z.object({ assets: z.string(), ports: portsSchema })

/** @throws ComponentError with the end of the log of the part that does not come up */
export async function startControlPlane(): Promise<ControlPlane> {
  const assets = process.env[ASSETS_VARIABLE]
  if (assets === undefined) throw new ControlPlaneMissingError(ASSETS_VARIABLE)
  mkdirSync('/dev/shm', { recursive: true })
  const directory = mkdtempSync('/dev/shm/control-plane-')
  const layout: Layout = { directory, assets, ports: await freePorts() }
  const authority = await createAuthority(directory)
  await writeCredentials(layout, authority)
  await writeFile(files(layout).description, JSON.stringify({ assets, ports: layout.ports }))

  const controlPlane = describe(layout, authority)
  const { etcd, apiServer, controllerManager, scheduler } = controlPlane
  try {
    etcd.start()
    await etcd.whenReady()
    apiServer.start()
    await apiServer.whenReady()
    controllerManager.start()
    scheduler.start()
    await Promise.all([controllerManager.whenReady(), scheduler.whenReady()])
  } catch (error) {
    await controlPlane.stop()
    throw error
  }
  return controlPlane
}

/** The control plane that `startControlPlane` made in another process. */
export async function openControlPlane(directory: string): Promise<ControlPlane> {
  const text = readFileSync(files({ directory, assets: '', ports: NO_PORTS }).description, 'utf8')
  const layout: Layout = { directory, ...descriptionSchema.parse(JSON.parse(text)) }
  return describe(layout, await openAuthority(directory))
}

/** The one that all tests of this run share (global-setup.ts). @throws ControlPlaneMissingError */
export async function sharedControlPlane(): Promise<ControlPlane> {
  const directory = process.env[CONTROL_PLANE_VARIABLE]
  if (directory === undefined) throw new ControlPlaneMissingError(CONTROL_PLANE_VARIABLE)
  return openControlPlane(directory)
}

const NO_PORTS: Ports = { etcd: 0, etcdPeer: 0, apiServer: 0, controllerManager: 0, scheduler: 0 }

function describe(layout: Layout, authority: Authority): ControlPlane {
  const etcd = etcdComponent(layout)
  const apiServer = apiServerComponent(layout)
  const controllerManager = controllerManagerComponent(layout)
  const scheduler = schedulerComponent(layout)
  return {
    directory: layout.directory,
    url: apiServerUrl(layout),
    port: layout.ports.apiServer,
    caFile: files(layout).caCertificate,
    caPem: authority.pem,
    kubeconfig: files(layout).adminKubeconfig,
    assets: layout.assets,
    etcd,
    apiServer,
    controllerManager,
    scheduler,
    kubeconfigFor: (identity) => writeClientKubeconfig(layout, authority, identity),
    compact: () => compactEtcd(layout),
    async stop() {
      await Promise.all([controllerManager, scheduler, apiServer].map((part) => part.kill('SIGKILL')))
      await etcd.kill('SIGKILL')
      rmSync(layout.directory, { recursive: true, force: true })
    },
  }
}

async function writeCredentials(layout: Layout, authority: Authority): Promise<void> {
  const paths = files(layout)
  const server = await authority.issue({
    commonName: 'kube-apiserver',
    server: {
      dns: [
        'localhost',
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
      ],
      ips: ['127.0.0.1', POD_GATEWAY, KUBERNETES_SERVICE_IP],
    },
  })
  await writeFile(paths.serverCertificate, server.certificate)
  await writeFile(paths.serverKey, server.key, { mode: 0o600 })
  await writeFile(paths.serviceAccountKey, newServiceAccountKey(), { mode: 0o600 })
  const identities: [string, Identity][] = [
    [paths.adminKubeconfig, { user: 'admin', groups: ['system:masters'] }],
    [paths.controllerManagerKubeconfig, { user: 'system:kube-controller-manager' }],
    [paths.schedulerKubeconfig, { user: 'system:kube-scheduler' }],
  ]
  for (const [path, identity] of identities) await writeClientKubeconfig(layout, authority, identity, path)
}

/** All are held until the last is known, so that no two are the same. */
async function freePorts(): Promise<Ports> {
  const servers = await Promise.all(
    Object.keys(NO_PORTS).map(async (name) => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return { name, server }
    }),
  )
  const ports = servers.map(({ name, server }) => {
    const address = server.address()
    return [name, typeof address === 'object' ? address?.port : undefined]
  })
  await Promise.all(servers.map(({ server }) => new Promise((resolve) => server.close(resolve))))
  return portsSchema.parse(Object.fromEntries(ports))
}
