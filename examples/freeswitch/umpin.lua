-- Signs a caller in by umpin, for FreeSWITCH (mod_lua). Copy it into FreeSWITCH's scripts folder; see umpin.xml beside it.
--
--   <action application="lua" data="umpin.lua EXTENSION DIALPLAN"/>
--
-- Sets umpin_result to ACCEPTED, REFUSED or ERROR, and umpin_must_change to true or false. REFUSED is set first, so that a
-- script that ends early lets nobody in. The PIN goes to umpin by a pipe; it is on no command line and in no variable.

local UMPIN = "/usr/local/bin/umpin"
local TRIES = 3          -- as LogonFailuresBeforeDisconnect of the dial plan
local TIMEOUT = 10000    -- milliseconds
local MOST_DIGITS = 25   -- one more than any PIN has

local function only(text, pattern)
    return text ~= nil and text:match("^" .. pattern .. "$") ~= nil
end

-- What goes through the shell is nothing but digits, letters and a few signs; anything else is refused, not escaped.
local extension, dial_plan = argv[1], argv[2]
session:setVariable("umpin_result", "REFUSED")
session:setVariable("umpin_must_change", "false")
if not only(extension, "%+?%d+") or (dial_plan ~= nil and not only(dial_plan, "[%w _.-]+")) then
    freeswitch.consoleLog("ERR", "umpin.lua: the extension or the dial plan's name has other characters than it takes\n")
    return
end

-- One line of JSON, or nil. The PIN is the only thing written to the pipe.
local function ask(pin)
    local told = os.tmpname()
    local command = UMPIN .. " verify --extension '" .. extension .. "'"
    if dial_plan ~= nil then command = command .. " --dial-plan '" .. dial_plan .. "'" end
    local pipe = io.popen(command .. " >'" .. told .. "'", "w")
    if pipe == nil then return nil end
    pipe:write(pin, "\n")
    pipe:close()
    local file = io.open(told, "r")
    local line = file and file:read("*l")
    if file then file:close() end
    os.remove(told)
    return line
end

session:answer()
for _ = 1, TRIES do
    if not session:ready() then return end
    local pin = session:read(1, MOST_DIGITS, "voicemail/vm-enter_pass.wav", TIMEOUT, "#")
    if pin ~= nil and only(pin, "%d+") then
        local line = ask(pin)
        if line == nil or line:find('"result":"failed"', 1, true) then
            session:setVariable("umpin_result", "ERROR")
            freeswitch.consoleLog("ERR", "umpin.lua: umpin failed; its message is on FreeSWITCH's standard error\n")
            return
        end
        if line:find('"result":"accepted"', 1, true) then
            session:setVariable("umpin_must_change", tostring(line:find('"mustChange":true', 1, true) ~= nil))
            session:setVariable("umpin_result", "ACCEPTED")
            return
        end
    end
    session:streamFile("voicemail/vm-fail_auth.wav")
end
session:streamFile("voicemail/vm-goodbye.wav")
session:hangup()
