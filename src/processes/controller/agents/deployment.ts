import * as z from 'zod'
import { kubeObjectSchema } from '../../../api/object.ts'
import { apiVersionOf, DEPLOYMENTS } from '../../../api/resource.ts'
import { formatIPv4Address, type IPv4Address, UNSPECIFIED_ADDRESS } from '../../../api/values/ipv4-address.ts'
import { formatObjectKey, type ObjectKey } from '../../../api/values/object-key.ts'
import { agentLabels, POOL_ANNOTATION, selectorLabels, shortHash } from './names.ts'

/** What the operator of the controller decides for all agents. */
export interface AgentSettings {
  /** The system namespace. */
  namespace: string
  image: string
  nats: string
  /** The Secret with the key `agent-password`; undefined where the broker asks for none. */
  natsCredentialsSecret: string | undefined
  /** The ConfigMap whose key `ca.crt` has the authorities to believe of the broker; undefined for those that are known. */
  natsCaConfigMap: string | undefined
}

/** What of a pool and its network an agent's pod is made of: its place. */
export interface AgentSite {
  pool: ObjectKey
  network: ObjectKey
  /** Only nodes with it have the network; undefined: every node. */
  clusterNetwork: string | undefined
  serverAddress: IPv4Address
  prefixLength: number
}

/** Of the pods' template as this version of the program makes it, without the site: another image changes it. */
export const TEMPLATE_HASH_ANNOTATION = 'network.harvesterhci.io/agent-template-hash'
/** Of the site: another server address changes it. */
export const SITE_HASH_ANNOTATION = 'network.harvesterhci.io/agent-site-hash'

const NETWORKS_ANNOTATION = 'k8s.v1.cni.cncf.io/networks'
const INTERFACE = 'eth1'
const HEALTH_PORT = 8081
const STATE_DIRECTORY = '/var/lib/managed-dhcp'
const CA_DIRECTORY = '/etc/managed-dhcp/nats-ca'
const ADDRESS_CONTAINER = 'server-address'

const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string().optional(),
  args: z.array(z.string()).optional(),
})

const templateSchema = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.looseObject({
    affinity: z.looseObject({}).optional(),
    initContainers: z.array(containerSchema).optional(),
    containers: z.array(containerSchema),
  }),
})
export type PodTemplate = z.infer<typeof templateSchema>

export const deploymentSchema = kubeObjectSchema.extend({
  spec: z.looseObject({
    replicas: z.number().optional(),
    selector: z.looseObject({ matchLabels: z.record(z.string(), z.string()).optional() }),
    template: templateSchema,
  }),
  status: z
    .looseObject({
      conditions: z
        .array(z.looseObject({ type: z.string(), status: z.string(), message: z.string().optional() }))
        .optional(),
    })
    .optional(),
})
export type Deployment = z.infer<typeof deploymentSchema>

/** The Deployment of a pool's agent, and why each of its fields is as it is. */
export function agentDeployment(name: string, site: AgentSite, settings: AgentSettings): Deployment {
  return deploymentOf(name, site, settings.namespace, podTemplate(site, settings), templateHash(settings))
}

/**
 * The same with what `current` has of images and all else that came with a version of the program: only what pool and
 * network say is made new.
 */
export function movedDeployment(current: Deployment, site: AgentSite): Deployment {
  const { namespace = '', name, annotations } = current.metadata
  const template = withSite(current.spec.template, site)
  return deploymentOf(name, site, namespace, template, annotations?.[TEMPLATE_HASH_ANNOTATION] ?? '')
}

export function templateHash(settings: AgentSettings): string {
  const nowhere = { namespace: '', name: '' }
  const anySite = {
    pool: nowhere,
    network: nowhere,
    clusterNetwork: undefined,
    serverAddress: UNSPECIFIED_ADDRESS,
    prefixLength: 0,
  }
  return shortHash(JSON.stringify(podTemplate(anySite, settings)))
}

export function siteHash({ pool, network, clusterNetwork, serverAddress, prefixLength }: AgentSite): string {
  const parts = [formatObjectKey(pool), formatObjectKey(network), clusterNetwork, serverAddress, prefixLength]
  return shortHash(JSON.stringify(parts))
}

function deploymentOf(
  name: string,
  site: AgentSite,
  namespace: string,
  template: PodTemplate,
  hash: string,
): Deployment {
  const { pool } = site
  return {
    apiVersion: apiVersionOf(DEPLOYMENTS),
    kind: DEPLOYMENTS.kind,
    metadata: {
      name,
      namespace,
      labels: agentLabels(pool),
      annotations: {
        [POOL_ANNOTATION]: formatObjectKey(pool),
        [TEMPLATE_HASH_ANNOTATION]: hash,
        [SITE_HASH_ANNOTATION]: siteHash(site),
      },
    },
    spec: {
      replicas: 1,
      revisionHistoryLimit: 2,
      // Two agents of one pool give the same answers: the old one goes when the new one serves.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      selector: { matchLabels: selectorLabels(pool) },
      template,
    },
  }
}

function podTemplate(site: AgentSite, settings: AgentSettings): PodTemplate {
  const { image, nats, natsCaConfigMap } = settings
  const template = {
    metadata: {
      labels: agentLabels(site.pool),
      annotations: {
        [POOL_ANNOTATION]: formatObjectKey(site.pool),
        'kubectl.kubernetes.io/default-container': 'agent',
      },
    },
    spec: {
      serviceAccountName: 'managed-dhcp-agent',
      automountServiceAccountToken: true,
      enableServiceLinks: false,
      priorityClassName: 'system-cluster-critical',
      terminationGracePeriodSeconds: 10,
      // Kubernetes gives capabilities to root only: the containers keep the few that they need and drop the rest.
      securityContext: { runAsUser: 0, runAsGroup: 0, seccompProfile: { type: 'RuntimeDefault' } },
      // VMs wait for DHCP: another node takes over after seconds, not after the usual five minutes.
      tolerations: ['not-ready', 'unreachable'].map((taint) => ({
        key: `node.kubernetes.io/${taint}`,
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 5,
      })),
      initContainers: [
        {
          name: ADDRESS_CONTAINER,
          image,
          imagePullPolicy: 'IfNotPresent',
          args: [],
          resources: resources('32Mi', '128Mi'),
          securityContext: restrictedTo('NET_ADMIN'),
        },
      ],
      containers: [
        {
          name: 'agent',
          image,
          imagePullPolicy: 'IfNotPresent',
          args: [
            'agent',
            ...['--ippool-ref', formatObjectKey(site.pool)],
            ...['--nic', INTERFACE],
            ...['--nats', nats],
            ...['--state-dir', STATE_DIRECTORY],
            ...['--health', `0.0.0.0:${HEALTH_PORT}`],
          ],
          env: environment(settings),
          ports: [{ name: 'health', containerPort: HEALTH_PORT, protocol: 'TCP' }],
          startupProbe: { ...probe('/healthz'), periodSeconds: 2, failureThreshold: 30 },
          livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
          readinessProbe: { ...probe('/readyz'), periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 2 },
          resources: resources('64Mi', '256Mi'),
          securityContext: restrictedTo('NET_RAW', 'NET_BIND_SERVICE'),
          volumeMounts: [
            { name: 'state', mountPath: STATE_DIRECTORY },
            ...(natsCaConfigMap === undefined
              ? []
              : [{ name: 'nats-ca', mountPath: CA_DIRECTORY, readOnly: true }]),
          ],
        },
      ],
      volumes: [
        { name: 'state', emptyDir: { sizeLimit: '64Mi' } },
        ...(natsCaConfigMap === undefined ? [] : [{ name: 'nats-ca', configMap: { name: natsCaConfigMap } }]),
      ],
    },
  }
  return withSite(template, site)
}

/** All that changes with pool and network, and nothing else. */
function withSite(template: PodTemplate, site: AgentSite): PodTemplate {
  const { network, clusterNetwork, serverAddress, prefixLength } = site
  const attachment = [{ namespace: network.namespace, name: network.name, interface: INTERFACE }]
  const { affinity: _, ...spec } = template.spec
  const address = `${formatIPv4Address(serverAddress)}/${prefixLength}`
  return {
    ...template,
    metadata: {
      ...template.metadata,
      annotations: { ...template.metadata.annotations, [NETWORKS_ANNOTATION]: JSON.stringify(attachment) },
    },
    spec: {
      ...spec,
      ...(clusterNetwork === undefined ? {} : { affinity: onNodesWith(clusterNetwork) }),
      initContainers: (spec.initContainers ?? []).map((container) =>
        container.name === ADDRESS_CONTAINER
          ? { ...container, args: ['set-address', '--nic', INTERFACE, '--address', address] }
          : container,
      ),
    },
  }
}

/** Harvester labels the nodes that a cluster network reaches. */
function onNodesWith(clusterNetwork: string) {
  const expression = { key: `network.harvesterhci.io/${clusterNetwork}`, operator: 'In', values: ['true'] }
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [expression] }],
      },
    },
  }
}

function environment({ natsCredentialsSecret, natsCaConfigMap }: AgentSettings) {
  const fields = {
    POD_NAME: 'metadata.name',
    POD_NAMESPACE: 'metadata.namespace',
    POD_UID: 'metadata.uid',
    NODE_NAME: 'spec.nodeName',
  }
  const own = Object.entries(fields).map(([name, fieldPath]) => ({
    name,
    valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath } },
  }))
  const secretKeyRef = { name: natsCredentialsSecret, key: 'agent-password' }
  const login = [
    { name: 'NATS_USER', value: 'agent' },
    { name: 'NATS_PASSWORD', valueFrom: { secretKeyRef } },
  ]
  return [
    ...own,
    ...(natsCredentialsSecret === undefined ? [] : login),
    ...(natsCaConfigMap === undefined ? [] : [{ name: 'NATS_CA_FILE', value: `${CA_DIRECTORY}/ca.crt` }]),
  ]
}

function restrictedTo(...capabilities: string[]) {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ['ALL'], add: capabilities },
  }
}

function resources(request: string, limit: string) {
  return { requests: { cpu: '20m', memory: request }, limits: { cpu: '1', memory: limit } }
}

function probe(path: string) {
  return { httpGet: { path, port: 'health', scheme: 'HTTP' } }
}
