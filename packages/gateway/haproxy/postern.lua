-- Asks Postern about a request (docs/forward-auth/haproxy.md). For each request that may pass it
-- sets txn.postern_service, which names the backend, and one variable for each header that the
-- origin gets. Where it sets nothing, for whatever reason, the gateway carries the request itself.
--
--   http-request lua.postern ADDRESS:PORT

local place = "/cdn-cgi/access/forward-auth/haproxy"
local seconds = 10

-- What is about the connection, or about a body that is not sent along.
local own = {
  ["connection"] = true,
  ["content-length"] = true,
  ["expect"] = true,
  ["keep-alive"] = true,
  ["te"] = true,
  ["trailer"] = true,
  ["transfer-encoding"] = true,
  ["x-access-accept"] = true,
  ["x-access-services"] = true,
}

-- The services that this HAProxy has: its backends of such names.
local services

local function names_of_services()
  local names = {}
  for name in pairs(core.backends) do
    if string.match(name, "^postern_%x+$") then
      names[#names + 1] = name
    end
  end
  return table.concat(names, " ")
end

local function question(txn)
  local lines = { txn.f:method() .. " " .. place .. txn.f:pathq() .. " HTTP/1.1" }
  for name, values in pairs(txn.http:req_get_headers()) do
    if not own[name] then
      for _, value in pairs(values) do
        lines[#lines + 1] = name .. ": " .. value
      end
    end
  end
  services = services or names_of_services()
  lines[#lines + 1] = "x-access-services: " .. services
  lines[#lines + 1] = "connection: close"
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

-- The headers of an answer that lets the request pass; nil for every other one.
local function ask(address, port, text)
  local socket = core.tcp()
  socket:settimeout(seconds)
  if not socket:connect(address, port) then
    return nil
  end
  socket:send(text)
  local status = socket:receive("*l")
  if status == nil or not string.match(status, "^HTTP/1%.1 200 ") then
    socket:close()
    return nil
  end
  local headers = {}
  while true do
    local line = socket:receive("*l")
    if line == nil then
      socket:close()
      return nil
    end
    if line == "" or line == "\r" then
      break
    end
    local name, value = string.match(line, "^([^:]+):[ \t]*(.-)[ \t]*\r?$")
    if name == nil then
      -- A head that is cut short is no answer.
      socket:close()
      return nil
    end
    headers[string.lower(name)] = value
  end
  socket:close()
  return headers
end

local function decide(txn, where)
  local address, port = string.match(where, "^%[?(.-)%]?:(%d+)$")
  local headers = ask(address, tonumber(port), question(txn))
  if headers == nil or (headers["x-access-service"] or "") == "" then
    return
  end
  for name, value in pairs(headers) do
    txn:set_var("txn.postern_" .. string.gsub(name, "-", "_"), value)
  end
  txn:set_var("txn.postern_service", headers["x-access-service"])
end

core.register_action("postern", { "http-req" }, decide, 1)
