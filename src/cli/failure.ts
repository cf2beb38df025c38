import { NoResponderError } from '../../transports/messages/errors.ts'
import { StoreError } from '../kube/errors.ts'

export interface FailureReport {
  line: string
  /** 2: change the command, a file or the machine, then try again. 1: something failed on the way. */
  code: 1 | 2
}

/** What was asked for cannot be done as it was asked: by the names of the errors, wherever they come from. */
const USER_MUST_ACT = new Set([
  'UsageError',
  'KubeconfigError',
  'KubeconfigWriteError',
  'DataDirectoryError',
  'ListenError',
  'InsecureListenError',
  'HealthListenError',
  'HttpsListenError',
  'CertificateFilesError',
  'InvalidServerUrlError',
  'InvalidNatsLoginError',
  'NatsCaFileError',
  'InvalidSubjectError',
  'InvalidTapError',
  'InterfaceNotFoundError',
  'PacketPermissionError',
  'RawSocketUnavailableError',
  'LabUnavailableError',
])

/** One line for people; a stack only for what nobody foresaw. */
export function explainFailure(error: unknown): FailureReport {
  if (!(error instanceof Error)) return { line: String(error), code: 1 }
  if (USER_MUST_ACT.has(error.name)) return { line: error.message, code: 2 }
  if (error instanceof StoreError || error instanceof NoResponderError)
    return { line: error.message, code: 1 }
  if ('code' in error && typeof error.code === 'string') return { line: error.message, code: 2 }
  return { line: error.stack ?? error.message, code: 1 }
}
