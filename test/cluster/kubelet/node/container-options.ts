import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ContainerOptions } from '../runtime/container.ts'
import type { Container } from '../spec/container-schema.ts'
import { identityOf } from '../spec/identity.ts'
import { commandLineOf, findImage } from '../spec/image.ts'
import type { Pod } from '../spec/pod-schema.ts'
import { ImageMissingError } from './container-runner.ts'
import type { NodeContext } from './context.ts'
import { environmentOf } from './environment.ts'
import { podField } from './pod-fields.ts'
import type { Sandbox } from './sandbox.ts'
import type { PodVolumes } from './volumes.ts'

/** From a container as the pod describes it to what the runtime runs. @throws ContainerConfigError @throws ImageMissingError */
export async function containerOptions(parts: {
  context: NodeContext
  pod: Pod
  container: Container
  sandbox: Sandbox
  volumes: PodVolumes
  folder: string
  etcFolder: string
}): Promise<Omit<ContainerOptions, 'output'>> {
  const { context, pod, container, sandbox, volumes } = parts
  const image = findImage(context.images, container.image)
  if (image === undefined) {
    throw new ImageMissingError(
      `failed to pull and unpack image "${container.image}": not found in the test's table`,
    )
  }
  const identity = identityOf(container, pod.spec.securityContext, image)
  const hostname = pod.spec.hostname ?? pod.metadata.name
  const { host, port } = context.apiServer
  const environment = await environmentOf(container, {
    api: context.api,
    namespace: pod.metadata.namespace,
    image,
    given: {
      HOSTNAME: hostname,
      HOME: identity.user === 0 ? '/root' : '/',
      KUBERNETES_SERVICE_HOST: host,
      KUBERNETES_SERVICE_PORT: String(port),
      KUBERNETES_SERVICE_PORT_HTTPS: String(port),
    },
    field: (path) => podField(pod, path, { pod: sandbox.address, host: context.nodeAddress }),
  })
  const layerFolder = join(parts.folder, 'layers', container.name)
  mkdirSync(layerFolder, { recursive: true })
  // Deeper ones last, so that one may lie in another.
  const mounts = container.volumeMounts.toSorted((a, b) => a.mountPath.length - b.mountPath.length)
  return {
    sandboxPid: sandbox.namespace.pid,
    environment,
    setup: {
      hostname,
      layerFolder,
      etcFolder: parts.etcFolder,
      binds: [
        ...(image.paths ?? []).map((path) => ({ from: path, to: path, readOnly: true })),
        ...mounts.map((mount) => volumes.bind(mount)),
      ],
      identity,
      workingDir: container.workingDir ?? image.workingDir ?? '/',
      commandLine: commandLineOf(image, container, environment),
    },
  }
}
