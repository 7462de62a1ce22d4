// `access doctor`: this machine first, then the way to an application, as far as it leads. What one
// check finds wrong ends those that stand on it.

import { printable, printableJson } from "@postern/protocol/printable";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError, statusOf } from "../../exit-status.ts";
import type { FlagValues } from "../../flag.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readInvocation } from "../invocation.ts";
import { attempt, type Check, type CheckMaker } from "./check.ts";
import {
  type Answer,
  askHost,
  checkAnswer,
  checkCertificate,
  checkClock,
  checkName,
  checkProxy,
} from "./host-checks.ts";
import { checkHome, checkKeychain, checkProgram, checkTools } from "./machine-checks.ts";
import { checkGateway, checkSession } from "./session-checks.ts";

/** @returns the exit status: that of the first failure */
export async function runDoctor(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const [url = line.value("app"), second] = line.rest;
  if (second !== undefined) throw new CliError("usage", "access doctor takes one URL, or none");
  const app = url === undefined ? undefined : readAppUrl(url);
  const checks: Check[] = [];
  const steps = app === undefined ? machineSteps(context) : allSteps(context, line, app);
  for (const { name, make, isNeeded } of steps) {
    const check = await attempt(name, make);
    if (check === undefined) continue;
    checks.push(check);
    if (!line.has("json")) writeOutput(textOf(check));
    if (check.state === "fail" && isNeeded) break;
  }
  if (line.has("json")) writeOutput(`${printableJson(checks)}\n`);
  const code = checks.find(({ state }) => state === "fail")?.code;
  return code === undefined ? 0 : statusOf(code);
}

interface Step {
  name: string;
  make: CheckMaker;
  /** nothing after it can be checked when it fails */
  isNeeded?: true;
}

function machineSteps(context: Context): Step[] {
  return [
    { name: "program", make: checkProgram },
    { name: "store", make: () => checkHome(context) },
    { name: "keychain", make: () => checkKeychain(context) },
    { name: "tools", make: () => checkTools(context) },
  ];
}

function allSteps(context: Context, line: FlagValues, app: AppUrl): Step[] {
  const url = new URL(app.bare);
  let answer: Promise<Answer> | undefined;
  const ask = () => {
    answer ??= askHost(context, url);
    return answer;
  };
  return [
    ...machineSteps(context),
    { name: "proxy", make: () => checkProxy(context, url), isNeeded: true },
    { name: "name", make: () => checkName(context, url), isNeeded: true },
    { name: "certificate", make: () => checkCertificate(context, url), isNeeded: true },
    { name: "answer", make: async () => checkAnswer(await ask(), url), isNeeded: true },
    { name: "clock", make: async () => checkClock(await ask(), url), isNeeded: true },
    { name: "gateway", make: () => checkGateway(context, app), isNeeded: true },
    { name: "session", make: () => checkSession(context, line, app) },
  ];
}

const widestState = 4;
const widestName = 11;

function textOf({ state, name, message }: Check): string {
  return `${state.padEnd(widestState)}  ${name.padEnd(widestName)}  ${printable(message)}\n`;
}
