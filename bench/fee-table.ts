import type { FeeTable } from '../schemas/fee-table.js';

/** VAT in percent, included in all amounts. */
export const vatPercent = 19;
export const vatCode = 'standard';

/** Two entries an event: what was done costs a fixed amount, and handling a percentage of the booking. The naive consumer has the same rules as a few lines of code. */
export const benchFeeTable: FeeTable = {
  feeTable: 'bench', currency: 'EUR', validFrom: '2020-01-01',
  charges: {
    'booking-fee': { scope: 'transaction', vat: vatCode },
    'change-fee': { scope: 'transaction', vat: vatCode },
    'cancellation-fee': { scope: 'transaction', vat: vatCode },
    handling: { scope: 'transaction', vat: vatCode },
  },
  rules: [
    { id: 'booking', charge: 'booking-fee', on: 'booked', amount: { fixed: '15' } },
    { id: 'change', charge: 'change-fee', on: 'changed', amount: { fixed: '10' } },
    { id: 'cancellation', charge: 'cancellation-fee', on: 'cancelled', amount: { fixed: '20' } },
    { id: 'handling', charge: 'handling', on: ['booked', 'changed', 'cancelled'], amount: { percent: '1', of: 'order-total', min: '2.50', max: '12' } },
  ],
};
