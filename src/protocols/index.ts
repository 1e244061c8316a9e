/** The wire formats: HCT's signals in messages of the Model Context Protocol and of the Agent2Agent protocol.
 *  @module tutti/protocols */
export {
  createMCPTaskSend,
  createMCPTaskSubscribe,
  createMCPToolCall,
  extractSignal,
  MCP_CAPABILITIES,
  supportsMCPSignals,
  type MCPMessage,
} from '../../machines/hct/wire/mcp.ts';
export {
  A2A_EXTENSION,
  A2A_HEADERS,
  a2aTaskStatus,
  activatesA2ASignals,
  createA2ARequest,
  extractA2ASignals,
  supportsA2ASignals,
  type A2AInterruptedState,
  type A2ARequest,
  type A2ARequestOptions,
} from '../../machines/hct/wire/a2a.ts';
export { WireError, type RefusalDetails } from '../../machines/hct/refusal.ts';
export type { Encoded, EncodeOptions, JsonObject } from '../../machines/hct/wire/fields.ts';
