import { join } from 'node:path'

/**
 * The usual ports, in the namespace of the tests. None of the range from which outgoing connections are given theirs: while
 * a killed part is down, a client that dials its port could be given just that one.
 */
export const PORTS = {
  etcd: 2379,
  etcdPeer: 2380,
  apiServer: 6443,
  controllerManager: 10257,
  scheduler: 10259,
}

/** Where a control plane keeps what: enough to find it again from another process. */
export interface Layout {
  readonly directory: string
  /** The folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl. */
  readonly assets: string
}

/** The bridge of the pods on this machine (test/cluster/kubelet): how pods reach the API server. */
export const POD_GATEWAY = '10.244.0.1'
export const SERVICE_CIDR = '10.96.0.0/16'
/** The first of the service addresses: the Service `kubernetes`. */
export const KUBERNETES_SERVICE_IP = '10.96.0.1'

export const API_SERVER_URL = `https://127.0.0.1:${PORTS.apiServer}`
export const ETCD_URL = `http://127.0.0.1:${PORTS.etcd}`

export const files = ({ directory }: Layout) => ({
  caCertificate: join(directory, 'ca.crt'),
  serverCertificate: join(directory, 'apiserver.crt'),
  serverKey: join(directory, 'apiserver.key'),
  serviceAccountKey: join(directory, 'service-account.key'),
  adminKubeconfig: join(directory, 'admin.kubeconfig'),
  controllerManagerKubeconfig: join(directory, 'controller-manager.kubeconfig'),
  schedulerKubeconfig: join(directory, 'scheduler.kubeconfig'),
  etcdData: join(directory, 'etcd'),
  auditPolicy: join(directory, 'audit-policy.json'),
  auditLog: join(directory, 'audit.log'),
})

/** audit.k8s.io/v1: one line for each request that a pod of the product made, without its body. */
export const AUDIT_POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata', userGroups: ['system:serviceaccounts:harvester-system'] }, { level: 'None' }],
}
