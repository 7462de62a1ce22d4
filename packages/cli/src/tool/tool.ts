/** A tool to run. */
export interface Tool {
  command: string;
  args: string[];
  environment: NodeJS.ProcessEnv;
  /** open descriptors that become 3, 4, … of the tool */
  descriptors: number[];
  /** it asks something of this process, which must stay */
  needsUs?: true;
}
