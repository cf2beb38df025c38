import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { KubeObject } from '../../src/api/object.ts'
import type { Resource } from '../../src/api/resource.ts'
import { createKubeStore, type KubeStore } from '../../src/kube/client.ts'
import { systemRandom } from '../../src/runtime/random.ts'
import { systemClock } from '../../src/runtime/system-clock.ts'
import { eventually } from '../e2e/support/eventually.ts'
import { kubectlOk, type Target, uniqueName } from './target.ts'

export const parts = { clock: systemClock, random: systemRandom, log: pino({ level: 'silent' }) }

/** This project's own client of the Kubernetes API. */
export function connect(target: Target): KubeStore {
  return createKubeStore({ ...parts, kubeconfig: target.kubeconfigPath })
}

/** The message that a request is refused with. */
export async function refusalOf(request: Promise<unknown>): Promise<string> {
  try {
    await request
  } catch (error) {
    if (error instanceof Error) return `${error.name}: ${error.message}`
    throw error
  }
  throw new Error('it was not refused')
}

/** A kind of this test's own, served from now on until the test is over. */
export async function defineKind(
  target: Target,
  store: KubeStore,
  specSchema: Record<string, unknown>,
): Promise<{ kind: Resource; redefine(specSchema: Record<string, unknown>): Promise<void> }> {
  const group = `${uniqueName('g')}.example.com`
  const kind = { group, version: 'v1', plural: 'gadgets', kind: 'Gadget', namespaced: true }
  const define = (spec: Record<string, unknown>) =>
    kubectlOk(target, ['apply', '-f', '-'], { stdin: JSON.stringify(definition(group, spec)) })
  await define(specSchema)
  onTestFinished(async () => {
    await kubectlOk(target, ['delete', 'crd', `gadgets.${group}`])
  })
  await eventually(`${group} is served`, async () => {
    await store.list(kind)
    return true
  })
  return {
    kind,
    async redefine(spec) {
      await define(spec)
    },
  }
}

function definition(group: string, spec: Record<string, unknown>): Record<string, unknown> {
  const properties = { spec: { type: 'object', ...spec }, status: STATUS }
  const version = {
    name: 'v1',
    served: true,
    storage: true,
    subresources: { status: {} },
    schema: { openAPIV3Schema: { type: 'object', properties } },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gadgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Gadget', plural: 'gadgets', singular: 'gadget' },
      versions: [version],
    },
  }
}

const STATUS = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

export function objectOf(
  kind: Resource,
  namespace: string,
  spec: unknown,
  metadata: Partial<KubeObject['metadata']> = {},
): KubeObject {
  return {
    apiVersion: kind.group === '' ? kind.version : `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: { name: uniqueName('o'), namespace, ...metadata },
    spec,
  }
}
