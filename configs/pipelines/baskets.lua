-- Called once for each basket. JSON numbers are whole numbers or exact decimals, so sums are exact.
local vat = {food = decimal("0.07"), other = decimal("0.19")}

local function net_of(gross, kind)
  return gross:div(1 + (vat[kind] or vat.other), 2)
end

function transform(e)
  local sum = decimal(0)
  local out = {}
  for i, line in ipairs(e.lines) do
    local gross = decimal(line.pieces * line.price)
    sum = sum + gross
    out[i] = {
      basket = e.basket, at = e.at, line = i,
      sku = line.sku:upper(),
      gross = gross, net = net_of(gross, line.kind),
    }
  end
  if sum ~= decimal(e.total) then
    return nil, "the lines sum up to " .. sum .. ", the total is " .. e.total
  end
  return out
end
