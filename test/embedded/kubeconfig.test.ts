import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { writeKubeconfig } from '../../src/embedded/kubeconfig.ts'

const SERVER = { url: 'http://127.0.0.1:8001' }

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kubeconfig-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'kubeconfig')
}

test('a kubeconfig that says all of it already is left alone: the disk may be full', async () => {
  const file = temporaryFile()
  await writeKubeconfig(file, SERVER)
  const { ino } = statSync(file)
  await writeKubeconfig(file, SERVER)
  expect(statSync(file).ino).toBe(ino)
})

test('one that says something else, or that others may read, is written anew', async () => {
  const file = temporaryFile()
  await writeKubeconfig(file, { url: 'http://127.0.0.1:8002' })
  const { ino } = statSync(file)
  await writeKubeconfig(file, SERVER)
  expect(statSync(file).ino).not.toBe(ino)

  chmodSync(file, 0o644)
  await writeKubeconfig(file, SERVER)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})
