-- Holds seats: every request is another buyer's turn, with an idempotency key of its own.
--
--   wrk … -s hold.lua URL -- TOKENS PATHS KEYS QUOTA PAUSE_MS RETRY_MS
--
-- TOKENS and PATHS are files with a line each; KEYS begins every key of this run. QUOTA: 0, or how many requests all
-- threads make together; then each answer is counted by its status, and each thread says `answered` when the last of its
-- own is. wrk itself goes on sleeping until its time is over, or it is interrupted.
-- PAUSE_MS is how long a connection rests after an answer. RETRY_MS: 0, or how long it rests after a 503, as `Retry-After`
-- asks it to.

local threads = {}

function setup(thread)
    thread:set("nth", #threads)
    table.insert(threads, thread)
end

local function lines(path)
    local all = {}
    for line in io.lines(path) do
        all[#all + 1] = line
    end
    return all
end

local tokens, heads, keys, quota, made, answered
local filler = "GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n"

function init(args)
    tokens = lines(args[1])
    heads = {}
    for n, path in ipairs(lines(args[2])) do
        heads[n] = "POST " .. path .. " HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\nAuthorization: Bearer "
    end
    keys = "\r\nIdempotency-Key: " .. args[3] .. "-" .. nth .. "-"
    quota = math.floor(tonumber(args[4]) / 2)
    -- wrk asks its first thread for one request before it begins, to see what a request is, and never sends it.
    made = nth == 0 and -1 or 0
    answered = 0
    statuses = {}
    if quota > 0 then
        response = count
    end
    local pause, retry = tonumber(args[5]), tonumber(args[6])
    if retry > 0 then
        turned_away = 0
        response = function(status)
            if status == 503 then
                turned_away = turned_away + 1
            end
        end
        -- wrk does not say for whom it asks: as many connections rest as were turned away.
        delay = function()
            if turned_away == 0 then
                return pause
            end
            turned_away = turned_away - 1
            return retry
        end
    elseif pause > 0 then
        delay = function() return pause end
    end
end

function request()
    made = made + 1
    -- Whoever is done keeps its connections busy with something else until the others are.
    if quota > 0 and made > quota then
        return filler
    end
    local turn = made * 2 + nth
    return heads[turn % #heads + 1] .. tokens[turn % #tokens + 1] .. keys .. made .. "\r\n\r\n"
end

function count(status)
    if status == 200 then
        return
    end
    local name = tostring(status)
    statuses[name] = (statuses[name] or 0) + 1
    answered = answered + 1
    if answered == quota then
        io.write("answered\n")
        io.flush()
        wrk.thread:stop()
    end
end

function done(summary, latency)
    local total = {}
    for _, thread in ipairs(threads) do
        for name, number in pairs(thread:get("statuses")) do
            total[name] = (total[name] or 0) + number
        end
    end
    local parts = {}
    for name, number in pairs(total) do
        parts[#parts + 1] = string.format('"%s":%d', name, number)
    end
    local errors = summary.errors
    io.write(string.format(
        'report {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"max_us":%d,"refused":%d,"lost":%d,"statuses":{%s}}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
        errors.status, errors.connect + errors.read + errors.write + errors.timeout, table.concat(parts, ",")))
end
