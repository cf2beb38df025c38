import type { Logger } from 'pino'
import { kubeObjectSchema } from '../api/object.ts'
import type { Store } from '../kube/store.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Random } from '../runtime/random.ts'
import type { Admission } from './admission.ts'
import type { Backend } from './backend/backend.ts'
import { DataDirectoryError } from './backend/errors.ts'
import { openLmdbBackend } from './backend/lmdb-backend.ts'
import { memoryBackend } from './backend/memory-backend.ts'
import { defaultCrdDirectories, readCrdFiles } from './crd-files.ts'
import { createDirectStore } from './direct-store.ts'
import { createHttpServer, type HttpServer, type ListenOptions } from './http/server.ts'
import { openCore } from './open-core.ts'
import type { HistoryLimits } from './storage/history.ts'
import { Storage } from './storage/storage.ts'

export interface EmbeddedApiOptions {
  /** Where objects are kept; absent: in memory only. */
  dataDirectory?: string
  /** Instead of the package's own deploy/crds and deploy/third-party-crds. */
  crdDirectories?: readonly string[]
  clock: Clock
  random: Random
  log: Logger
  admit?: Admission
  /** How far back a watch can resume, for each kind. */
  history?: HistoryLimits
}

export interface EmbeddedApi {
  /** In process, without HTTP. */
  readonly store: Store
  /** The HTTP server, which does not listen before `listen`: further routes can be registered on `app`. */
  readonly http: HttpServer
  /** @throws InsecureListenError, ListenError */
  listen(options: ListenOptions): Promise<{ url: string }>
  /** Resolves when garbage collection and namespace deletion have nothing left to do. */
  settled(): Promise<void>
  /** Ends watches and connections, then closes the data directory. */
  close(): Promise<void>
}

/**
 * A Kubernetes API server in this process. Several may run side by side.
 * @throws DataDirectoryError, CrdFileError, ApiError (a definition that is not valid)
 */
export async function openEmbeddedApi(options: EmbeddedApiOptions): Promise<EmbeddedApi> {
  const { clock, random, log, dataDirectory } = options
  const definitions = readCrdFiles(options.crdDirectories ?? defaultCrdDirectories())
  const backend = dataDirectory === undefined ? memoryBackend : await openLmdbBackend(dataDirectory)
  try {
    const storage = loadStorage(backend, dataDirectory, options.history)
    const { core, tasks } = await openCore({ storage, definitions, clock, random, log, admit: options.admit })
    const http = createHttpServer(core, log)
    return {
      store: createDirectStore(core, (err) => log.error({ err }, 'a watch handler threw')),
      http,
      listen: (listenOptions) => http.listen(listenOptions),
      settled: async () => {
        await storage.settled()
        await tasks.settled()
      },
      async close() {
        core.closeWatches()
        await http.close()
        await tasks.close()
        await storage.close()
      },
    }
  } catch (error) {
    await backend.close()
    throw error
  }
}

function loadStorage(
  backend: Backend,
  directory: string | undefined,
  history: HistoryLimits | undefined,
): Storage {
  try {
    return new Storage(backend, (json) => kubeObjectSchema.parse(JSON.parse(json)), history)
  } catch (cause) {
    if (directory === undefined || cause instanceof DataDirectoryError) throw cause
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new DataDirectoryError(directory, `holds something that is no object: ${why}`, { cause })
  }
}
