import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Authority, createAuthority, newServiceAccountKey, openAuthority } from './certificates.ts'
import { compactEtcd } from './compaction.ts'
import type { Component } from './component.ts'
import {
  apiServerComponent,
  controllerManagerComponent,
  etcdComponent,
  schedulerComponent,
} from './components.ts'
import { type Identity, writeClientKubeconfig } from './kubeconfig.ts'
import {
  API_SERVER_URL,
  AUDIT_POLICY,
  files,
  KUBERNETES_SERVICE_IP,
  type Layout,
  POD_GATEWAY,
  PORTS,
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
  /** What pods in harvester-system asked of the API server, a JSON object a line (audit.k8s.io/v1). */
  readonly auditLog: string
  /** Path of a kubeconfig that may do everything. */
  readonly kubeconfig: string
  readonly etcd: Component
  readonly apiServer: Component
  readonly controllerManager: Component
  readonly scheduler: Component
  /** False with the three programs of envtest: namespaces get no service account, and Deployments no pods. */
  readonly hasControllers: boolean
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

const CONTROLLERS = ['kube-controller-manager', 'kube-scheduler']
/** The folder with the programs of the control plane, of `test/cluster/run.mjs`. */
const ASSETS_VARIABLE = 'MANAGED_DHCP_CLUSTER_ASSETS'
/** The directory of the control plane that the tests of a run share. */
export const CONTROL_PLANE_VARIABLE = 'MANAGED_DHCP_CONTROL_PLANE'

/**
 * One per network namespace: its ports are fixed (layout.ts).
 * @throws ComponentError with the end of the log of the part that does not come up
 */
export async function startControlPlane(): Promise<ControlPlane> {
  const assets = fromEnvironment(ASSETS_VARIABLE)
  const layout: Layout = { directory: mkdtempSync('/dev/shm/control-plane-'), assets }
  const authority = await createAuthority(layout.directory)
  await writeCredentials(layout, authority)

  const controlPlane = describe(layout, authority)
  const { etcd, apiServer, controllerManager, scheduler } = controlPlane
  try {
    etcd.start()
    await etcd.whenReady()
    apiServer.start()
    await apiServer.whenReady()
    if (controlPlane.hasControllers) {
      controllerManager.start()
      scheduler.start()
      await Promise.all([controllerManager.whenReady(), scheduler.whenReady()])
    }
  } catch (error) {
    await controlPlane.stop()
    throw error
  }
  return controlPlane
}

/** The one that all tests of this run share (global-setup.ts). @throws ControlPlaneMissingError */
export async function sharedControlPlane(): Promise<ControlPlane> {
  const directory = fromEnvironment(CONTROL_PLANE_VARIABLE)
  return describe({ directory, assets: fromEnvironment(ASSETS_VARIABLE) }, await openAuthority(directory))
}

function fromEnvironment(variable: string): string {
  const value = process.env[variable]
  if (value === undefined) throw new ControlPlaneMissingError(variable)
  return value
}

function describe(layout: Layout, authority: Authority): ControlPlane {
  const etcd = etcdComponent(layout)
  const apiServer = apiServerComponent(layout)
  const controllerManager = controllerManagerComponent(layout)
  const scheduler = schedulerComponent(layout)
  return {
    directory: layout.directory,
    url: API_SERVER_URL,
    port: PORTS.apiServer,
    caFile: files(layout).caCertificate,
    caPem: authority.pem,
    auditLog: files(layout).auditLog,
    kubeconfig: files(layout).adminKubeconfig,
    assets: layout.assets,
    etcd,
    apiServer,
    controllerManager,
    scheduler,
    hasControllers: CONTROLLERS.every((program) => existsSync(join(layout.assets, program))),
    kubeconfigFor: (identity) => writeClientKubeconfig(layout, authority, identity),
    compact: () => compactEtcd(),
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
  await writeFile(paths.auditPolicy, JSON.stringify(AUDIT_POLICY))
  await writeFile(paths.serviceAccountKey, newServiceAccountKey(), { mode: 0o600 })
  const identities: [string, Identity][] = [
    [paths.adminKubeconfig, { user: 'admin', groups: ['system:masters'] }],
    [paths.controllerManagerKubeconfig, { user: 'system:kube-controller-manager' }],
    [paths.schedulerKubeconfig, { user: 'system:kube-scheduler' }],
  ]
  for (const [path, identity] of identities) await writeClientKubeconfig(layout, authority, identity, path)
}
