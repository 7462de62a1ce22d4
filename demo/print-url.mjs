// A tool that knows nothing of Access: prints what a URL answers.
const response = await fetch(process.argv[2] ?? "");
process.stdout.write(await response.text());
if (!response.ok) process.exitCode = 1;
