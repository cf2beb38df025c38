import type { KubeObject } from '../api/object.ts'
import type { Resource } from '../api/resource.ts'
import type { StatusCause } from './status.ts'

export interface AdmissionRequest {
  operation: 'CREATE' | 'UPDATE' | 'DELETE'
  resource: Resource
  /** Absent for DELETE. */
  object?: KubeObject
  /** Absent for CREATE. */
  oldObject?: KubeObject
  dryRun: boolean
}

export type AdmissionAnswer =
  | { allowed: true; object?: KubeObject; warnings?: readonly string[] }
  /** With causes a 422 that names the fields, else a 403 as for a webhook's refusal. */
  | { allowed: false; message: string; causes?: readonly StatusCause[] }

/** In the place of admission webhooks. Asked for writes to objects, not to their status. */
export type Admission = (request: AdmissionRequest) => AdmissionAnswer | Promise<AdmissionAnswer>
