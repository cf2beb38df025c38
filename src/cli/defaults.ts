import { existsSync } from 'node:fs'
import path from 'node:path'

/** Where standalone keeps its objects, its agents' state and its kubeconfig. */
export const DEFAULT_DATA_DIRECTORY = '.managed-dhcp'
/** Where the pods of controller, webhook and agents are, as with the add-on of old. */
export const DEFAULT_NAMESPACE = 'harvester-system'
/** The passwords of the message broker's users. */
export const NATS_CREDENTIALS_SECRET = 'managed-dhcp-nats-credentials'
/** The authorities of an existing broker, for agents: key `ca.crt`; $NATS_CA_CONFIG_MAP names another. */
export const NATS_CA_CONFIG_MAP = 'managed-dhcp-nats-ca'
export const DEFAULT_LISTEN = '127.0.0.1:8001'
export const CONTROLLER_HEALTH = '127.0.0.1:8080'
export const AGENT_HEALTH = '127.0.0.1:8081'
/** Of agents that run by themselves. */
export const DEFAULT_STATE_DIRECTORY = path.join(DEFAULT_DATA_DIRECTORY, 'agents')

/**
 * The kubeconfig of a command that only looks: the one that was named, else $KUBECONFIG, else that of a standalone in
 * this folder; undefined leaves it to the conventions of Kubernetes (~/.kube/config, the pod's service account).
 */
export function kubeconfigFor(named: string | undefined): string | undefined {
  if (named !== undefined || process.env.KUBECONFIG) return named
  const local = path.join(DEFAULT_DATA_DIRECTORY, 'kubeconfig')
  return existsSync(local) ? local : undefined
}
