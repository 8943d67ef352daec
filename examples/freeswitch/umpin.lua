-- Signs a caller in by umpin, for FreeSWITCH (mod_lua). Copy it into FreeSWITCH's scripts folder; see umpin.xml beside
-- it.
--
--   <action application="lua" data="umpin.lua DIALPLAN"/>
--
-- Sets umpin_result to ACCEPTED, REFUSED or ERROR, umpin_must_change to true or false, and umpin_extension to the
-- number that signed in. REFUSED is set first, so that a script that ends early lets nobody in. A PIN goes to umpin by
-- a pipe; it is on no command line and in no variable.
--
-- The caller's number is read here, where it is one value whatever is in it. Never write ${caller_id_number} into the
-- data of an action: the caller may choose it, and FreeSWITCH splits that data at blanks.

local UMPIN = "/usr/local/bin/umpin"
local TRIES = 3          -- as LogonFailuresBeforeDisconnect of the dial plan
local NEW_PIN_TRIES = 3
local TIMEOUT = 10000    -- milliseconds
local MOST_DIGITS = 255  -- that one prompt takes: what it leaves, the next one would get, as another try
local LONGEST = 25       -- one more than any PIN has

local function only(text, pattern)
    return text ~= nil and text:match("^" .. pattern .. "$") ~= nil
end

local dial_plan = argv[1]
session:setVariable("umpin_result", "REFUSED")
session:setVariable("umpin_must_change", "false")
session:setVariable("umpin_extension", "")
-- What goes through the shell is nothing but digits, letters and a few signs; anything else is refused, not escaped.
if argv[2] ~= nil or (dial_plan ~= nil and not only(dial_plan, "[%w_.][%w _.-]*")) then
    freeswitch.consoleLog("ERR",
        "umpin.lua takes one argument, the dial plan's name, of letters, digits, blanks and _ . -\n")
    return
end
-- Another's number, or none, is no secret: the PIN is asked for in any case.
local extension = session:getVariable("caller_id_number")
if not only(extension, "%+?%d+") then extension = nil end

local function says(line, text)
    return line ~= nil and line:find(text, 1, true) ~= nil
end

-- What umpin says of a refusal or an error, without a PIN, goes to FreeSWITCH's log with the call's id.
local function log(level, file)
    for line in file:lines() do
        freeswitch.consoleLog(level, line:gsub("%c", "?") .. "; call " .. session:get_uuid() .. "\n")
    end
    file:close()
end

-- One line of JSON, or nil. The PINs are all that is written to the pipe.
local function ask(verb, who, pins)
    local told, reason = os.tmpname(), os.tmpname()
    local command = UMPIN .. " " .. verb .. " --log-reason --extension '" .. who .. "'"
    if dial_plan ~= nil then command = command .. " --dial-plan '" .. dial_plan .. "'" end
    local pipe = io.popen(command .. " >'" .. told .. "' 2>'" .. reason .. "'", "w")
    if pipe == nil then return nil end
    pipe:write(table.concat(pins, "\n"), "\n")
    pipe:close()
    local file = io.open(told, "r")
    local line = file and file:read("*l")
    if file then file:close() end
    file = io.open(reason, "r")
    local answered = says(line, '"result":"refused"') or says(line, '"result":"weak"')
    if file then log(answered and "NOTICE" or "ERR", file) end
    os.remove(told)
    os.remove(reason)
    return line
end

local function digits(sound)
    local typed = session:read(1, MOST_DIGITS, "voicemail/" .. sound .. ".wav", TIMEOUT, "#")
    return only(typed, "%d+") and typed:sub(1, LONGEST) or nil
end

local function failed()
    session:setVariable("umpin_result", "ERROR")
    freeswitch.consoleLog("ERR",
        "umpin.lua: umpin gave no answer; why is in the line above, call " .. session:get_uuid() .. "\n")
end

-- A new PIN is due, as after every reset. True: changed; nil: umpin failed.
local function choose_new(who, old)
    for _ = 1, NEW_PIN_TRIES do
        if not session:ready() then return false end
        local new = digits("vm-enter_new_pin")
        local again = new and digits("vm-enter_new_pin_confirm")
        if new ~= nil and new == again then
            local line = ask("change", who, {old, new})
            if says(line, '"result":"accepted"') then
                session:streamFile("voicemail/vm-password_has_been_changed.wav")
                return true
            end
            -- Refused: reset or locked in this very moment.
            if says(line, '"result":"refused"') then return false end
            if not says(line, '"result":"weak"') then return nil end
        end
        session:streamFile("voicemail/vm-password_not_valid.wav")
    end
    return false
end

session:answer()
for _ = 1, TRIES do
    if not session:ready() then return end
    local who = extension or digits("vm-enter_id")
    local pin = digits("vm-enter_pass")
    if who ~= nil and pin ~= nil then
        local line = ask("verify", who, {pin})
        if says(line, '"result":"accepted"') then
            local due = says(line, '"mustChange":true')
            if due then
                local changed = choose_new(who, pin)
                if changed == nil then return failed() end
                due = not changed
            end
            session:setVariable("umpin_must_change", tostring(due))
            session:setVariable("umpin_extension", who)
            session:setVariable("umpin_result", "ACCEPTED")
            return
        end
        if not says(line, '"result":"refused"') then return failed() end
    end
    session:streamFile("voicemail/vm-fail_auth.wav")
end
session:streamFile("voicemail/vm-goodbye.wav")
session:hangup()
