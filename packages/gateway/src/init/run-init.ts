// `postern init`: asks, writes a postern.yaml, tries the provider and says what to do next. Either
// everything is written or nothing is.
import { existsSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { systemStopwatch } from "../clock.ts";
import { loadConfig } from "../config/load-config.ts";
import { issuerClient } from "../login/providers/oidc-issuer.ts";
import { UsageError } from "../usage-error.ts";
import { configurationText } from "./configuration-text.ts";
import { type Answers, interview, type Secret } from "./interview.ts";
import { isTaken, refuseUnwritable, writeNew } from "./new-files.ts";
import { nextSteps } from "./next-steps.ts";
import type { Ask, Question } from "./question.ts";

/** Asks a person, who may answer with nothing. */
export type Prompt = (text: string, options: { isSecret: boolean }) => Promise<string>;

/** How `postern init` is called. */
export interface InitOptions {
  /** the file to write */
  output: string;
  /** by the names of the flags, without dashes */
  flags: Readonly<Record<string, string | undefined>>;
  /** undefined without a terminal: then the flags answer everything */
  prompt: Prompt | undefined;
  tell(line: string): void;
  /** does not ask the provider whether it can be used */
  offline: boolean;
  /** what starts the command line from anywhere */
  command: string;
}

/**
 * Writes the configuration and, where one was typed, the file with the secret.
 * @throws {UsageError} when a flag's answer is missing or wrong
 * @throws {Error} when a file is there already, or none can be written
 */
export async function runInit(options: InitOptions): Promise<void> {
  const { output, prompt, flags, tell, command } = options;
  refuseUnwritable(output);
  const check = checkIn(dirname(output));
  const answers = await interview(
    prompt === undefined ? askFlags(flags, check) : askPerson(prompt, { flags, check, tell }),
  );
  writeAll(output, answers);
  tell("");
  tell(`Wrote ${output}.`);
  if (!options.offline) tell(await trial(answers));
  for (const line of nextSteps(answers, { output, command })) tell(line);
}

/** What is wrong with an answer to a question; undefined for nothing. */
type Check = (question: Question, answer: string) => string | undefined;

interface Conversation {
  flags: InitOptions["flags"];
  check: Check;
  tell: InitOptions["tell"];
}

/** Each question is asked until it is answered well; a flag answers it without asking. */
function askPerson(prompt: Prompt, { flags, check, tell }: Conversation): Ask {
  return async (question) => {
    const flagValue = flags[question.flag];
    if (flagValue !== undefined) return checked(check, question, flagValue);
    if (question.isUnused === true) return "";
    for (;;) {
      const answer = await prompt(promptText(question), { isSecret: question.isSecret === true });
      const value = answer.trim() || (question.fallback ?? "");
      const fault = check(question, value);
      if (fault === undefined) return value;
      tell(`  ${fault}.`);
    }
  };
}

function promptText({ text, fallback }: Question): string {
  return fallback === undefined || fallback === "" ? `${text}: ` : `${text} [${fallback}]: `;
}

/** The flags answer; what has a fallback may be left out. */
function askFlags(flags: InitOptions["flags"], check: Check): Ask {
  return async (question) => {
    const { flag, text, fallback } = question;
    const value = flags[flag] ?? fallback;
    if (value !== undefined) return checked(check, question, value);
    throw new UsageError(
      `--${flag} is missing, and there is no terminal to ask for it: ${text}. postern init --help lists the flags`,
    );
  };
}

/** @throws {UsageError} with the flag and what is wrong with its value */
function checked(check: Check, question: Question, value: string): string {
  const fault = check(question, value);
  if (fault === undefined) return value;
  throw new UsageError(`--${question.flag}: ${fault}`);
}

/** @param folder where files are looked for, as the configuration does */
function checkIn(folder: string): Check {
  return ({ flag, fault, fallback, isFile, isSecret }, answer) => {
    // What is offered is good.
    if (answer === fallback) return undefined;
    if (answer.trim() === "") return "an answer is needed here";
    // A secret goes into a file of its own, as it is.
    if (isSecret === true) return isTaken(join(folder, flag)) ? takenSecret(flag) : undefined;
    // The configuration would fill it in.
    if (answer.includes("${")) return "it cannot contain ${";
    if (isFile === true) return fileFault(folder, answer);
    return fault?.(answer);
  };
}

function takenSecret(file: string): string {
  return `${file} already exists beside the configuration; move it away, or leave this empty`;
}

/** Does not repeat the answer, which may be the secret itself. */
function fileFault(folder: string, answer: string): string | undefined {
  if (!existsSync(resolve(folder, answer)))
    return `there is no such file in ${folder}; to type a secret, leave this empty and type it at the next question`;
  // It would end ${file:…} in the configuration.
  if (answer.includes("}")) return "its name cannot contain }";
  return undefined;
}

/**
 * Writes the secret, then the configuration that names it, once that is known to be right.
 * @throws {Error} when one of them cannot be written, or the configuration would be refused
 */
function writeAll(output: string, answers: Answers): void {
  const text = configurationText(answers);
  const { secret } = answers.provider;
  if (secret?.kind !== "typed") {
    writeConfiguration(output, text, secret);
    return;
  }
  const secretFile = join(dirname(output), secret.file);
  const content = answers.provider.kind === "pin" ? encodeURIComponent(secret.value) : secret.value;
  writeNew(secretFile, content, 0o600);
  try {
    writeConfiguration(output, text, secret);
  } catch (error) {
    rmSync(secretFile, { force: true });
    throw error;
  }
}

function writeConfiguration(output: string, text: string, secret: Secret | undefined): void {
  // The variable is set when the gateway starts, and need not be by now.
  const environment = secret?.kind === "environment" ? { [secret.variable]: "not set yet" } : {};
  loadConfig({ text, file: output, environment });
  writeNew(output, text, 0o666);
}

/** Whether the provider can be used as it was described, in a line. */
async function trial({ provider }: Answers): Promise<string> {
  if (provider.kind === "pin") return "The mail server was not checked.";
  const { recipe, fields, clientId } = provider;
  const client = issuerClient(
    { issuer: fields.issuer, client_id: clientId },
    { now: Date.now, elapsed: systemStopwatch },
  );
  const failure = await client.check();
  if (failure === undefined) return `${recipe.name} answers at ${fields.issuer}.`;
  return `${recipe.name} cannot be used yet: ${failure.detail}. Correct the issuer in the file, or set up the provider.`;
}
