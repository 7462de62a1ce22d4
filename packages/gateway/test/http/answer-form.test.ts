// Who gets a page, who gets JSON, and who gets one line of text.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type AnswerForm, answerForm, type FormWishes } from "../../src/http/answer-form.ts";

const chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

const cases: [who: string, wishes: FormWishes, form: AnswerForm][] = [
  ["a browser's navigation", { accept: chrome, fetchMode: "navigate" }, "page"],
  ["a browser that says nothing of Fetch Metadata", { accept: chrome }, "page"],
  ["a navigation, whatever it accepts", { accept: "*/*", fetchMode: "navigate" }, "page"],
  ["a page's fetch", { accept: "*/*", fetchMode: "cors" }, "json"],
  ["a page's picture", { accept: "image/avif,*/*", fetchMode: "no-cors" }, "json"],
  ["a page's XMLHttpRequest", { accept: chrome, requestedWith: "XMLHttpRequest" }, "json"],
  ["curl, wget", { accept: "*/*" }, "text"],
  ["Go, and who says nothing", {}, "text"],
  ["an empty wish", { accept: "" }, "text"],
  ["an API client", { accept: "application/json" }, "json"],
  ["axios", { accept: "application/json, text/plain, */*" }, "json"],
  ["a GitHub client", { accept: "application/vnd.github+json" }, "json"],
  ["a problem reader", { accept: "application/problem+json;q=0.9" }, "json"],
  ["JSON in other letters", { accept: "Application/JSON" }, "json"],
  ["a client that refuses pages", { accept: "text/html;q=0, application/json" }, "json"],
  ["a client that refuses JSON", { accept: "application/json;q=0.0, */*" }, "text"],
  ["a download", { accept: "application/octet-stream" }, "text"],
  ["a reader of text", { accept: "text/plain" }, "text"],
  ["a WebSocket dial", { fetchMode: "websocket" }, "text"],
];

for (const [who, wishes, form] of cases)
  test(`${who}: ${form}`, () => assert.equal(answerForm(wishes), form));
