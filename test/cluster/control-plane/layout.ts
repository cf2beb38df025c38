import { join } from 'node:path'
import * as z from 'zod'

export const portsSchema = z.object({
  etcd: z.number(),
  etcdPeer: z.number(),
  apiServer: z.number(),
  controllerManager: z.number(),
  scheduler: z.number(),
})

export type Ports = z.infer<typeof portsSchema>

/** Where a control plane keeps what: enough to find it again from another process. */
export interface Layout {
  readonly directory: string
  /** The folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl. */
  readonly assets: string
  readonly ports: Ports
}

/** The bridge of the pods on this machine (test/cluster/kubelet): how pods reach the API server. */
export const POD_GATEWAY = '10.244.0.1'
export const SERVICE_CIDR = '10.96.0.0/16'
/** The first of the service addresses: the Service `kubernetes`. */
export const KUBERNETES_SERVICE_IP = '10.96.0.1'

export const apiServerUrl = ({ ports }: Layout) => `https://127.0.0.1:${ports.apiServer}`
export const etcdUrl = ({ ports }: Layout) => `http://127.0.0.1:${ports.etcd}`

export const files = ({ directory }: Layout) => ({
  caCertificate: join(directory, 'ca.crt'),
  serverCertificate: join(directory, 'apiserver.crt'),
  serverKey: join(directory, 'apiserver.key'),
  serviceAccountKey: join(directory, 'service-account.key'),
  adminKubeconfig: join(directory, 'admin.kubeconfig'),
  controllerManagerKubeconfig: join(directory, 'controller-manager.kubeconfig'),
  schedulerKubeconfig: join(directory, 'scheduler.kubeconfig'),
  etcdData: join(directory, 'etcd'),
  description: join(directory, 'control-plane.json'),
})
