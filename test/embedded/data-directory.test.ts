import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { IP_POOLS } from '../../src/api/resource.ts'
import { DataDirectoryError } from '../../src/embedded/backend/errors.ts'
import { ipPool, openTestApi, refusalOf } from './support.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'data-directory-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

async function refusedBecause(dataDirectory = directory): Promise<string> {
  const refusal = await refusalOf(() => openTestApi({ dataDirectory }))
  expect(refusal).toBeInstanceOf(DataDirectoryError)
  expect(refusal.message).toContain(`data directory ${dataDirectory}`)
  return refusal.message
}

test('objects, their resourceVersions and the counter outlive a restart', async () => {
  const first = await openTestApi({ dataDirectory: directory })
  const created = await first.store.create(IP_POOLS, ipPool('a'))
  await first.store.create(IP_POOLS, ipPool('b'))
  await first.store.delete(IP_POOLS, { namespace: 'default', name: 'b' })
  const { resourceVersion } = await first.store.list(IP_POOLS)
  await first.close()

  const second = await openTestApi({ dataDirectory: directory })
  const list = await second.store.list(IP_POOLS)
  expect(list.items).toEqual([created])
  expect(list.resourceVersion).toBe(resourceVersion)
  const next = await second.store.create(IP_POOLS, ipPool('c'))
  expect(Number(next.metadata.resourceVersion)).toBe(Number(resourceVersion) + 1)
  await second.close()
})

test('a watch from before a restart is told to list again', async () => {
  const first = await openTestApi({ dataDirectory: directory })
  const created = await first.store.create(IP_POOLS, ipPool('a'))
  await first.store.create(IP_POOLS, ipPool('b'))
  await first.close()
  const second = await openTestApi({ dataDirectory: directory })
  const { resourceVersion = '' } = created.metadata
  const error = await new Promise<Error | undefined>((resolve) => {
    second.store.watch(IP_POOLS, { resourceVersion }, { event: () => {}, ended: resolve })
  })
  expect(error?.name).toBe('ExpiredError')
  await second.close()
})

test('a definition that was made at run time is served after a restart', async () => {
  const gadgets = {
    group: 'example.com',
    version: 'v1',
    plural: 'gadgets',
    kind: 'Gadget',
    namespaced: false,
  }
  const definitions = {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    plural: 'customresourcedefinitions',
    kind: 'CustomResourceDefinition',
    namespaced: false,
  }
  const first = await openTestApi({ dataDirectory: directory })
  await first.store.create(definitions, {
    metadata: { name: 'gadgets.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { plural: 'gadgets', kind: 'Gadget' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  })
  await first.store.create(gadgets, { metadata: { name: 'g' } })
  await first.close()
  const second = await openTestApi({ dataDirectory: directory })
  expect((await second.store.list(gadgets)).items).toHaveLength(1)
  await second.close()
})

test('a directory that is open already is refused, and stays usable for its owner', async () => {
  const first = await openTestApi({ dataDirectory: directory })
  expect(await refusedBecause()).toContain('in use by another running process')
  await first.store.create(IP_POOLS, ipPool('still-works'))
  await first.close()
  const second = await openTestApi({ dataDirectory: directory })
  expect((await second.store.list(IP_POOLS)).items).toHaveLength(1)
  await second.close()
})

test('closing leaves no socket behind', async () => {
  const api = await openTestApi({ dataDirectory: directory })
  expect(readdirSync(directory).filter((name) => name.endsWith('.sock'))).toHaveLength(1)
  await api.close()
  expect(readdirSync(directory).filter((name) => name.endsWith('.sock'))).toEqual([])
})

describe('is refused with one clear error', () => {
  test('when it is a file', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, 'x')
    expect(await refusedBecause(file)).toContain('cannot be read and written')
  })

  test('when its database is something else', async () => {
    writeFileSync(join(directory, 'data.mdb'), Buffer.alloc(8192, 0x5a))
    expect(await refusedBecause()).toContain('data.mdb is not a database file')
  })

  test('when its database was cut off', async () => {
    const api = await openTestApi({ dataDirectory: directory })
    for (let index = 0; index < 100; index++) await api.store.create(IP_POOLS, ipPool(`pool-${index}`))
    await api.close()
    const file = join(directory, 'data.mdb')
    truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096)
    expect(await refusedBecause()).toContain('data.mdb was cut off')
    truncateSync(file, 100)
    expect(await refusedBecause()).toContain('data.mdb is not a database file')
  })

  test('when an object in it cannot be read', async () => {
    const database = open<string, string>({ path: directory, encoding: 'string' })
    await database.put('object network.harvesterhci.io/ippools default/a', '{"metadata":')
    await database.close()
    expect(await refusedBecause()).toContain('cannot be opened')
  })

  test('when a later version wrote it', async () => {
    const database = open<string, string>({ path: directory, encoding: 'string' })
    await database.put('format', 'managed-dhcp objects 99')
    await database.close()
    expect(await refusedBecause()).toContain('a form that this version does not know')
  })
})

test('a data directory may lie deeper than a socket can be named', async () => {
  const deep = join(directory, 'd'.repeat(200))
  mkdirSync(deep)
  const api = await openTestApi({ dataDirectory: deep })
  await expect(openTestApi({ dataDirectory: deep })).rejects.toThrow('is in use by another running process')
  await api.close()
})
