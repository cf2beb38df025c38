import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import type { KubeObject } from '../../../src/api/object.ts'
import {
  apiVersionOf,
  MUTATING_WEBHOOK_CONFIGURATIONS,
  type Resource,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from '../../../src/api/resource.ts'
import { defaultCrdDirectories } from '../../../src/embedded/crd-files.ts'
import {
  type EmbeddedApi,
  type EmbeddedApiOptions,
  openEmbeddedApi,
} from '../../../src/embedded/embedded-api.ts'
import type { Store } from '../../../src/kube/store.ts'

export const CONFIGURATIONS = [VALIDATING_WEBHOOK_CONFIGURATIONS, MUTATING_WEBHOOK_CONFIGURATIONS]

/** The embedded API does not have the kinds that make an API server ask webhooks: for these tests they are defined. */
export async function openClusterApi(
  options: Pick<EmbeddedApiOptions, 'clock' | 'random' | 'log'>,
): Promise<EmbeddedApi> {
  const directory = mkdtempSync(join(tmpdir(), 'webhook-kinds-'))
  for (const kind of CONFIGURATIONS) {
    writeFileSync(join(directory, `${kind.plural}.yaml`), JSON.stringify(definitionOf(kind)))
  }
  const api = await openEmbeddedApi({ ...options, crdDirectories: [...defaultCrdDirectories(), directory] })
  rmSync(directory, { recursive: true })
  for (const kind of CONFIGURATIONS) await api.store.create(kind, configurationOf(kind))
  return api
}

export function configurationOf(kind: Resource): KubeObject {
  const name = `${kind === VALIDATING_WEBHOOK_CONFIGURATIONS ? 'validate' : 'mutate'}.network.harvesterhci.io`
  const clientConfig = { service: { name: 'managed-dhcp-webhook', namespace: 'harvester-system' } }
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: { name: 'managed-dhcp' },
    webhooks: [{ name, clientConfig, sideEffects: 'None' }],
  }
}

const configurationSchema = z.looseObject({
  webhooks: z.array(z.looseObject({ clientConfig: z.looseObject({ caBundle: z.string().optional() }) })),
})

/** Whom the API server trusts by this configuration, as PEM. */
export async function caBundleOf(
  store: Store,
  kind: Resource = VALIDATING_WEBHOOK_CONFIGURATIONS,
): Promise<string> {
  const object = configurationSchema.parse(await store.get(kind, { namespace: '', name: 'managed-dhcp' }))
  return Buffer.from(object.webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString('utf8')
}

function definitionOf({ group, version, plural, kind }: Resource): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        },
      ],
    },
  }
}
