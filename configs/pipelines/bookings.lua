-- Called once for each booking: lists what is wrong with it. JSON numbers are whole numbers or exact decimals.
local shares = {10, 20, 50}

function validate(e)
  local found = {}
  if e.deposit then
    local good = false
    for _, share in ipairs(shares) do
      good = good or decimal(e.deposit) * 100 == decimal(e.price) * share
    end
    if not good then
      found[#found + 1] = {
        rule = "deposit_share", field = "deposit",
        message = e.deposit .. " is not 10, 20 or 50 percent of " .. e.price,
      }
    end
  end
  for _, extra in ipairs(e.extras or {}) do
    if extra == "cot" and e.guests > 10 then
      found[#found + 1] = {field = "extras", message = "no cot fits beside " .. e.guests .. " guests"}
    end
  end
  return found
end
