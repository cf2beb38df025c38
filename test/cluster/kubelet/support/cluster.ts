import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { seconds } from '../../../../src/api/values/time.ts'
import { runCommand } from '../../../../src/network/command.ts'
import { eventually } from '../../../e2e/support/eventually.ts'
import { needControllers } from '../../control-plane/controllers.ts'
import { type ControlPlane, sharedControlPlane } from '../../control-plane/control-plane.ts'
import { nodeImage, projectImages } from '../images.ts'
import { type Kubelets, startKubelets } from '../kubelets.ts'
import type { ImageTable } from '../spec/image.ts'

const podSchema = z.looseObject({
  metadata: z.looseObject({ name: z.string(), uid: z.string(), deletionTimestamp: z.string().optional() }),
  spec: z.looseObject({ nodeName: z.string().optional() }),
  status: z.looseObject({
    phase: z.string(),
    podIP: z.string().optional(),
    conditions: z
      .array(z.looseObject({ type: z.string(), status: z.string(), message: z.string().optional() }))
      .default([]),
    containerStatuses: z
      .array(
        z.looseObject({
          name: z.string(),
          restartCount: z.number(),
          ready: z.boolean(),
          state: z.unknown(),
          lastState: z.unknown(),
        }),
      )
      .default([]),
  }),
})
export type SeenPod = z.infer<typeof podSchema>

/** A control plane with kubelets, and a namespace of its own to test in. */
export interface TestCluster {
  readonly controlPlane: ControlPlane
  readonly kubelets: Kubelets
  readonly namespace: string
  kubectl(args: readonly string[], input?: unknown): Promise<string>
  apply(...objects: readonly unknown[]): Promise<void>
  pod(name: string): Promise<SeenPod | undefined>
  pods(selector: string): Promise<SeenPod[]>
  /** The pod when it is Ready. */
  readyPod(name: string): Promise<SeenPod>
  /** Runs a shell command in a pod's container `main`. @returns what it printed */
  run(pod: string, script: string): Promise<string>
  logs(pod: string, container?: string): string
  close(): Promise<void>
}

export const PROBE_IMAGES: ImageTable = {
  ...projectImages(),
  probe: nodeImage(fileURLToPath(new URL('probe.mjs', import.meta.url))),
  shell: { entrypoint: ['sh'], cmd: ['-c', 'sleep 600'] },
}

export async function startTestCluster(namespace: string): Promise<TestCluster> {
  const controlPlane = await sharedControlPlane()
  needControllers(controlPlane)
  const { kubeconfig, port, assets } = controlPlane
  const kubelets = await startKubelets({ kubeconfig, port, images: PROBE_IMAGES })
  // Never blocking: the kubelets live in this process.
  const kubectl = async (args: readonly string[], input?: unknown) => {
    const command = ['--kubeconfig', kubeconfig, '-n', namespace, ...args]
    const text = input === undefined ? '' : JSON.stringify(input)
    const environment = process.env
    return (await runCommand(`${assets}/kubectl`, command, { input: text, environment })).stdout
  }
  const listSchema = z.looseObject({ items: z.array(podSchema) })
  const pods = async (selector: string) =>
    listSchema.parse(JSON.parse(await kubectl(['get', 'pods', '-o', 'json', `--selector=${selector}`]))).items
  const pod = async (name: string) => (await pods('')).find((one) => one.metadata.name === name)
  await kubectl(['create', 'namespace', namespace])
  await eventually('its service account', () => kubectl(['get', 'serviceaccount', 'default']))
  return {
    controlPlane,
    kubelets,
    namespace,
    kubectl,
    apply: async (...items) => {
      await kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items })
    },
    pod,
    pods,
    readyPod: (name) =>
      eventually(
        `pod ${name} to be ready`,
        async () => {
          const seen = await pod(name)
          return seen !== undefined && isReady(seen) ? seen : undefined
        },
        { seconds: 60 },
      ),
    async run(name, script) {
      const containers = kubelets.nodes.map((node) => node.container(`${namespace}/${name}`, 'main'))
      const container = containers.find((one) => one !== undefined)
      if (container === undefined) throw new Error(`pod ${name} does not run`)
      return (await container.exec(['sh', '-c', script], seconds(10))).output
    },
    logs: (name, container = 'main') =>
      kubelets.nodes.map((node) => node.logs(`${namespace}/${name}`, container)).join(''),
    async close() {
      await kubelets.close()
      // No kubelet is left that could confirm their end.
      await kubectl(['delete', 'pods', '--all', '--force', '--grace-period=0'])
      await kubectl(['delete', 'namespace', namespace, '--wait=false'])
      await kubectl(['delete', 'nodes', '--all'])
    },
  }
}

export function isReady(pod: SeenPod): boolean {
  return pod.status.conditions.some((one) => one.type === 'Ready' && one.status === 'True')
}

/** A pod with one container `main` of the image `shell` that sleeps, unless it is said otherwise. */
export function shellPod(
  name: string,
  main: Record<string, unknown> = {},
  spec: Record<string, unknown> = {},
) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      ...spec,
      containers: [{ name: 'main', image: 'shell', ...main }],
    },
  }
}
