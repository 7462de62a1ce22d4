// Lists in pages. Clients ask for one page after the other until one is empty, and look at no
// number (access-api 1.3): a page past the end is empty.
import { type Answer, fail, type Success } from "./route.ts";

/** Items of a page where the client says nothing. */
const defaultSize = 50;
const largestSize = 1_000;

/** Which page is wanted, both from 1. */
export interface PageRequest {
  page: number;
  per_page: number;
}

/**
 * Reads `page` and `per_page`.
 * @param size where the client says nothing
 * @param largest a page has no more, whatever the client says
 * @returns undefined when they are no numbers that make sense
 */
export function readPage(
  query: URLSearchParams,
  size = defaultSize,
  largest = largestSize,
): PageRequest | undefined {
  const page = readNumber(query.get("page"), 1);
  const perPage = readNumber(query.get("per_page"), size);
  if (page === undefined || perPage === undefined) return undefined;
  return { page, per_page: Math.min(perPage, largest) };
}

function readNumber(text: string | null, fallback: number): number | undefined {
  if (text === null || text === "") return fallback;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/**
 * One page of a list that is there as a whole.
 * @param show makes what is answered of an item; the others are not looked at
 */
export function pageOf<Item>(
  items: readonly Item[],
  query: URLSearchParams,
  show: (item: Item) => unknown,
): Answer {
  const wanted = readPage(query);
  if (wanted === undefined) return badPage();
  const start = (wanted.page - 1) * wanted.per_page;
  const shown = items.slice(start, start + wanted.per_page).map(show);
  return listed(shown, wanted, items.length);
}

/** A page that was read as one. @param total how many items there are in all */
export function listed(result: readonly unknown[], wanted: PageRequest, total: number): Success {
  const { page, per_page } = wanted;
  const total_pages = Math.ceil(total / per_page);
  return {
    ok: true,
    status: 200,
    result,
    resultInfo: { page, per_page, count: result.length, total_count: total, total_pages },
  };
}

/** The answer to a page that cannot be meant. */
export function badPage(): Answer {
  return fail("bad_request", "page and per_page must be whole numbers from 1.");
}
