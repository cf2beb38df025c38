import type { Logger } from 'pino'
import type { KubeObject } from '../api/object.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { Admission } from './admission.ts'
import { ApiCore } from './api-core.ts'
import { BackgroundTasks } from './controllers/background-tasks.ts'
import { DefinitionLifecycle } from './controllers/definition-lifecycle.ts'
import { GarbageCollector } from './controllers/garbage-collector.ts'
import { NamespaceLifecycle } from './controllers/namespace-lifecycle.ts'
import { valueAt } from './json.ts'
import { CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES } from './resources/builtin.ts'
import { Registry } from './resources/registry.ts'
import type { Storage } from './storage/storage.ts'

export interface OpenCoreOptions {
  storage: Storage
  /** CustomResourceDefinitions. */
  definitions: readonly unknown[]
  clock: Clock
  random: Random
  log: Logger
  admit?: Admission | undefined
}

export interface OpenedCore {
  core: ApiCore
  /** Of the server's own controllers: garbage collection, the deletion of namespaces and definitions. */
  tasks: BackgroundTasks
}

/** The namespaces that a new cluster has, and the one that this project's parts run in. */
const FIRST_NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease', 'harvester-system']

/**
 * The API server without HTTP, with its definitions, its namespaces and its own controllers.
 * @throws ApiError (a definition that is not valid)
 */
export async function openCore(options: OpenCoreOptions): Promise<OpenedCore> {
  const { storage, definitions, clock, random, log, admit } = options
  const core = new ApiCore(new Registry(), storage, clock, random, admit)
  const tasks = new BackgroundTasks(log)
  const controllers = [
    new DefinitionLifecycle(core, tasks),
    new NamespaceLifecycle(core, tasks),
    new GarbageCollector(core, tasks),
  ]
  for (const controller of controllers) controller.start()
  for (const definition of definitions) await defineOrUpdate(core, definition)
  for (const name of FIRST_NAMESPACES) await ensureNamespace(core, name)
  return { core, tasks }
}

/** The files win over what was stored by an earlier version of the program. */
async function defineOrUpdate(core: ApiCore, definition: unknown): Promise<void> {
  const name = String(valueAt(definition, 'metadata', 'name'))
  const existing = core.storage.committed(CUSTOM_RESOURCE_DEFINITIONS.storageKey, '', name)
  if (existing) {
    const spec = valueAt(definition, 'spec')
    const body: KubeObject = { ...existing, metadata: existing.metadata, spec }
    await core.update(CUSTOM_RESOURCE_DEFINITIONS, '', name, body)
  } else {
    await core.create(CUSTOM_RESOURCE_DEFINITIONS, '', definition)
  }
}

async function ensureNamespace(core: ApiCore, name: string): Promise<void> {
  if (core.storage.committed(NAMESPACES.storageKey, '', name)) return
  await core.create(NAMESPACES, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
}
