import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { loadAll } from 'js-yaml'
import * as z from 'zod'
import { packageFile } from '../../../src/runtime/package-root.ts'

const manifestSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: z.record(z.string(), z.string()).optional(),
    annotations: z.record(z.string(), z.string()).optional(),
  }),
})
export type Manifest = z.infer<typeof manifestSchema>

export const OVERLAYS = ['default', 'existing-nats', 'cert-manager', 'monitoring', 'nats-cluster'] as const
export type Overlay = (typeof OVERLAYS)[number]

/** `kubectl kustomize` of a folder. @throws Error with what kubectl said */
export async function build(folder: string): Promise<Manifest[]> {
  return parseManifests(await kubectl(['kustomize', folder]))
}

export function buildOverlay(overlay: Overlay): Promise<Manifest[]> {
  return build(packageFile('deploy', 'overlays', overlay))
}

export function parseManifests(text: string): Manifest[] {
  return loadAll(text)
    .filter((document) => document !== null && document !== undefined)
    .map((document) => manifestSchema.parse(document))
}

async function kubectl(args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)('kubectl', [...args], { maxBuffer: 1 << 26 })).stdout
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${reason}\n(kubectl 1.27 or later is needed: https://kubernetes.io/docs/tasks/tools/)`, {
      cause,
    })
  }
}

/** The one object of that kind and name. @throws Error when there is none, or more */
export function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  const [only] = found
  if (only === undefined || found.length > 1) throw new Error(`${found.length} ${kind} named ${name}`)
  return only
}

export const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`
