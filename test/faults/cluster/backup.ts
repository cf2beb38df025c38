import { cp, rm } from 'node:fs/promises'
import type { ControlPlane } from '../../cluster/control-plane/control-plane.ts'
import { files } from '../../cluster/control-plane/layout.ts'

/** Everything that the API server knew at one moment. */
export interface Backup {
  /** The API server goes back to it, as etcd's documentation says: all of the control plane is started anew. */
  restore(): Promise<void>
  remove(): Promise<void>
}

/** A copy of etcd's data, for which etcd stands still. */
export async function takeBackup(controlPlane: ControlPlane): Promise<Backup> {
  const { etcd, apiServer, controllerManager, scheduler } = controlPlane
  const data = files(controlPlane).etcdData
  const copy = `${data}.backup`
  await etcd.kill('SIGTERM')
  await cp(data, copy, { recursive: true })
  etcd.start()
  await etcd.whenReady()
  await apiServer.whenReady()
  return {
    async restore() {
      const parts = [controllerManager, scheduler, apiServer, etcd]
      await Promise.all(parts.map((part) => part.kill('SIGKILL')))
      await rm(data, { recursive: true })
      await cp(copy, data, { recursive: true })
      etcd.start()
      await etcd.whenReady()
      apiServer.start()
      await apiServer.whenReady()
      for (const part of [controllerManager, scheduler]) part.start()
      await Promise.all([controllerManager.whenReady(), scheduler.whenReady()])
    },
    remove: () => rm(copy, { recursive: true, force: true }),
  }
}
