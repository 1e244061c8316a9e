/** The wire formats: HCT's signals in messages of the Model Context Protocol and of the Agent2Agent protocol. */
export {
  createMCPTaskSend,
  createMCPTaskSubscribe,
  createMCPToolCall,
  embedSignal,
  extractSignal,
  getSignalType,
  hasSignal,
  HCT_SIGNAL_KEY,
  MCP_CAPABILITIES,
  supportsMCPSignals,
  type MCPMessage,
} from '../../machines/hct/wire/mcp.ts';
export {
  A2A_EXTENSION,
  A2A_EXTENSION_NAME,
  A2A_EXTENSION_URI,
  A2A_EXTENSIONS_HEADER,
  A2A_HEADERS,
  A2A_LEGACY_EXTENSIONS_HEADER,
  A2A_LEGACY_METHODS,
  A2A_METADATA_KEY,
  A2A_METHODS,
  a2aTaskState,
  a2aTaskStatus,
  activatesA2ASignals,
  createA2ARequest,
  embedInPart,
  extractA2ASignals,
  hasA2ASignal,
  supportsA2ASignals,
  type A2AInterruptedState,
  type A2ARequest,
  type A2ARequestOptions,
} from '../../machines/hct/wire/a2a.ts';
export type { Encoded, EncodeOptions, JsonObject } from '../../machines/hct/wire/fields.ts';
export { WireError, type RefusalDetails } from '../../machines/hct/refusal.ts';
